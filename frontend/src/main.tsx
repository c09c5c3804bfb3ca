import { createRoot } from 'react-dom/client';
import { App } from './App';
import { registerServiceWorker } from './services/updates';
import { startPage } from './store/start';

startPage();
const root = document.getElementById('root');
if (root) createRoot(root).render(<App />);
registerServiceWorker();
