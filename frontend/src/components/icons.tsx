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

export const SidebarIcon = lineIcon(
    'M5.5 4.5h13A1.5 1.5 0 0 1 20 6v12a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 18V6a1.5 1.5 0 0 1 1.5-1.5ZM9.5 4.5v15',
);
export const SearchIcon = lineIcon('M4.5 11a6.5 6.5 0 1 0 13 0 6.5 6.5 0 1 0-13 0ZM15.8 15.8 20 20');
export const CloseIcon = lineIcon('m6 6 12 12M18 6 6 18');
export const MoreIcon = lineIcon('M5.5 12h.01M12 12h.01M18.5 12h.01');
export const PinIcon = lineIcon('M12 15v5.5M8.5 3.5h7l-1 6 3 3v2.5h-11v-2.5l3-3z');
export const PencilIcon = lineIcon('M4 20l1-4L16.5 4.5a1.8 1.8 0 0 1 2.6 0l.4.4a1.8 1.8 0 0 1 0 2.6L8 19z');
export const TrashIcon = lineIcon('M4.5 6.5h15M9.5 6V4.5h5V6M6.5 6.5l.8 13h9.4l.8-13M10 10.5v5.5m4-5.5v5.5');
export const DownloadIcon = lineIcon('M12 4v11m-4.5-4.5L12 15l4.5-4.5M4.5 19.5h15');
export const UploadIcon = lineIcon('M12 15V4M7.5 8.5 12 4l4.5 4.5M4.5 19.5h15');
export const AttachIcon = lineIcon(
    'm19.5 11.5-7.3 7.3a4.6 4.6 0 0 1-6.5-6.5l7.8-7.8a3.1 3.1 0 0 1 4.4 4.4l-7.8 7.7a1.5 1.5 0 0 1-2.2-2.1l7-7.1',
);
export const ChevronLeftIcon = lineIcon('m14.5 6-6 6 6 6');
export const ChevronRightIcon = lineIcon('m9.5 6 6 6-6 6');
export const ChevronDownIcon = lineIcon('m6 9.5 6 6 6-6');
export const ForwardIcon = lineIcon('M5 6v12l8-6zM14 6v12l7-6z');
export const BulbIcon = lineIcon(
    'M9.5 18h5M10.5 21h3M12 3a6.2 6.2 0 0 0-3.8 11.1c.8.7 1.3 1.4 1.3 2.4h5c0-1 .5-1.7 1.3-2.4A6.2 6.2 0 0 0 12 3Z',
);
export const FileIcon = lineIcon('M6.5 3.5h7L18 8v12.5H6.5zM13.5 3.5V8H18');

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
