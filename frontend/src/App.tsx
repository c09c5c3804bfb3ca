import { ErrorBoundary } from './components/ErrorBoundary';
import { viewFor } from './routes';

const View = viewFor(window.location.pathname);

export function App(): JSX.Element {
    return <ErrorBoundary><View /></ErrorBoundary>;
}
