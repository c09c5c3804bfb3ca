import { useCallback, useLayoutEffect, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { useDismiss } from '../hooks/useDismiss';

export interface MenuItem {
    readonly name: string;
    readonly text: string;
    readonly icon: ReactNode;
    readonly danger?: boolean;
    readonly onChoose: () => void;
}

interface MenuProps {
    readonly label: string;
    readonly icon: ReactNode;
    readonly items: readonly MenuItem[];
}

/** A button that opens a list of actions; arrow keys walk through it (ARIA Authoring Practices, menu button). */
export function Menu({ label, icon, items }: MenuProps): JSX.Element {
    const [open, setOpen] = useState(false);
    const area = useRef<HTMLDivElement>(null);
    const button = useRef<HTMLButtonElement>(null);
    const list = useRef<HTMLDivElement>(null);
    const close = useCallback((byKeyboard: boolean) => {
        setOpen(false);
        if (byKeyboard) button.current?.focus();
    }, []);
    useDismiss(area, open, close);
    useLayoutEffect(() => {
        if (!open || !list.current || !button.current) return;
        place(list.current, button.current.getBoundingClientRect());
        list.current.querySelector('button')?.focus();
    }, [open]);

    const onKeyDown = (event: KeyboardEvent): void => {
        const buttons = [...list.current?.querySelectorAll('button') ?? []];
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (event.key === 'Tab') setOpen(false);
        if (step === undefined) return;
        event.preventDefault();
        const index = buttons.findIndex((each) => each === document.activeElement);
        buttons[(index + step + buttons.length) % buttons.length]?.focus();
    };
    return (
        <div ref={area} className="contents">
            <button ref={button} type="button" className="icon-button small" aria-label={label} title={label} aria-haspopup="menu"
                aria-expanded={open} onClick={() => setOpen(!open)}>{icon}</button>
            {open && (
                <div ref={list} role="menu" aria-label={label} className="menu" onKeyDown={onKeyDown}>
                    {items.map((item) => (
                        <button key={item.name} type="button" role="menuitem" data-action={item.name} tabIndex={-1}
                            data-danger={item.danger} onClick={() => {
                            close(true);
                            item.onChoose();
                        }}>{item.icon}{item.text}</button>
                    ))}
                </div>
            )}
        </div>
    );
}

/** Below the button, or above it where there is no room; never beyond the window. */
function place(menu: HTMLElement, button: DOMRect): void {
    const { offsetWidth: width, offsetHeight: height } = menu;
    const below = button.bottom + 4;
    menu.style.top = `${below + height < window.innerHeight ? below : Math.max(8, button.top - height - 4)}px`;
    menu.style.left = `${Math.max(8, Math.min(button.left, window.innerWidth - width - 8))}px`;
}
