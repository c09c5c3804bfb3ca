import type { ButtonHTMLAttributes, ReactNode } from 'react';

interface IconButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
    readonly label: string;
    readonly children: ReactNode;
    readonly className?: string;
}

/** A button that shows an icon; its name is told to screen readers, and to others when they point at it. */
export function IconButton({ label, children, className = 'icon-button', ...rest }: IconButtonProps): JSX.Element {
    return <button type="button" className={className} aria-label={label} title={label} {...rest}>{children}</button>;
}
