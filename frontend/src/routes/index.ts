import { ChatView } from '../views/ChatView';

/** A view and the paths it answers for. */
interface Route {
    readonly matches: (path: string) => boolean;
    readonly view: () => JSX.Element;
}

/** The first match wins; the chat takes every path that nothing else has taken. Conversations are places within it (`navigation.ts`). */
const routes: readonly Route[] = [
    { matches: () => true, view: ChatView },
];

export function viewFor(path: string): () => JSX.Element {
    return routes.find((route) => route.matches(path))?.view ?? ChatView;
}
