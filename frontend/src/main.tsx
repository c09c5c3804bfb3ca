import { createRoot } from 'react-dom/client';
import { App } from './App';
import { startClient } from './services/chatClient';

const root = document.getElementById('root');
if (root) createRoot(root).render(<App />);
startClient();
