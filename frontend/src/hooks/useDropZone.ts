import { useEffect, useState } from 'react';

/** Takes files that are dropped anywhere on the page; tells whether some are being dragged over it. */
export function useDropZone(onFiles: (files: readonly File[]) => void): boolean {
    const [over, setOver] = useState(false);
    useEffect(() => {
        const carriesFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;
        const onOver = (event: DragEvent): void => {
            if (!carriesFiles(event)) return;
            event.preventDefault();
            setOver(true);
        };
        const onLeave = (event: DragEvent): void => {
            if (event.relatedTarget === null) setOver(false);
        };
        const onDrop = (event: DragEvent): void => {
            setOver(false);
            if (!carriesFiles(event)) return;
            // Without this the browser would leave the page and show the file.
            event.preventDefault();
            onFiles([...event.dataTransfer?.files ?? []]);
        };
        window.addEventListener('dragover', onOver);
        window.addEventListener('dragleave', onLeave);
        window.addEventListener('drop', onDrop);
        return () => {
            window.removeEventListener('dragover', onOver);
            window.removeEventListener('dragleave', onLeave);
            window.removeEventListener('drop', onDrop);
        };
    }, [onFiles]);
    return over;
}
