import { useId } from 'react';

interface IconProps {
    readonly size?: number;
}

/** A 24-unit line icon in the colour of the text around it, silent to screen readers. */
function lineIcon(path: string) {
    return function Icon({ size = 18 }: IconProps): JSX.Element {
        return (
            <svg width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth={1.75}
                strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false">
                <path d={path} />
            </svg>
        );
    };
}

export const ArrowUpIcon = lineIcon('M12 19V5M5.5 11.5 12 5l6.5 6.5');
export const ArrowDownIcon = lineIcon('M12 5v14M5.5 12.5 12 19l6.5-6.5');
export const CheckIcon = lineIcon('m5 12.5 4.5 4.5L19 7.5');
export const CopyIcon = lineIcon(
    'M10.5 8h8A1.5 1.5 0 0 1 20 9.5v9a1.5 1.5 0 0 1-1.5 1.5h-8A1.5 1.5 0 0 1 9 18.5v-9A1.5 1.5 0 0 1 10.5 8Z'
    + 'M16 8V5.5A1.5 1.5 0 0 0 14.5 4h-9A1.5 1.5 0 0 0 4 5.5v9A1.5 1.5 0 0 0 5.5 16H9',
);
export const NewConversationIcon = lineIcon('M12 20h8M4 20l1-4L16.5 4.5a1.8 1.8 0 0 1 2.6 0l.4.4a1.8 1.8 0 0 1 0 2.6L8 19z');
export const SettingsIcon = lineIcon(
    'M4 7h9m5 0h2M4 17h2m5 0h9M13 7a2.5 2.5 0 1 0 5 0 2.5 2.5 0 1 0-5 0ZM6 17a2.5 2.5 0 1 0 5 0 2.5 2.5 0 1 0-5 0Z',
);
export const RetryIcon = lineIcon('M19.5 12a7.5 7.5 0 1 1-2.2-5.3L19.5 9M19.5 4.5V9H15');
export const WarningIcon = lineIcon('M12 8.5v4.5m0 3.2v.1M12 3.5 21.5 20h-19z');
export const SunIcon = lineIcon(
    'M8 12a4 4 0 1 0 8 0 4 4 0 1 0-8 0ZM12 2.5V4m0 16v1.5M2.5 12H4m16 0h1.5M5.3 5.3l1 1m11.4 11.4 1 1m0-13.4-1 1M6.3 17.7l-1 1',
);
export const MoonIcon = lineIcon('M20 14.5A8.5 8.5 0 1 1 9.5 4 6.8 6.8 0 0 0 20 14.5Z');
export const ScreenIcon = lineIcon(
    'M4.5 5h15A1.5 1.5 0 0 1 21 6.5v9a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 15.5v-9A1.5 1.5 0 0 1 4.5 5ZM9 20.5h6',
);

export function StopIcon({ size = 18 }: IconProps): JSX.Element {
    return (
        <svg width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <rect x={6.5} y={6.5} width={11} height={11} rx={2.5} fill="currentColor" />
        </svg>
    );
}

const star = 'M16 2c.9 8.2 5.8 13.1 14 14-8.2.9-13.1 5.8-14 14-.9-8.2-5.8-13.1-14-14 8.2-.9 13.1-5.8 14-14Z';

/** The four-pointed star of StellarChat. */
export function StarIcon({ size = 24 }: IconProps): JSX.Element {
    const gradient = useId();
    return (
        <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
            <linearGradient id={gradient} x1="5" y1="3" x2="27" y2="29" gradientUnits="userSpaceOnUse">
                <stop className="star-from" />
                <stop className="star-to" offset="1" />
            </linearGradient>
            <path fill={`url(#${gradient})`} d={star} />
        </svg>
    );
}
