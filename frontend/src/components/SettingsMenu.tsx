import { useCallback, useRef, useState, type ReactNode } from 'react';
import { useDismiss } from '../hooks/useDismiss';
import { useTranslation } from '../hooks/useTranslation';
import { useStore } from '../store/createStore';
import { preferencesStore, setLanguage, setTheme } from '../store/preferencesStore';
import { languageNames, type MessageKey } from '../utils/messages';
import { languages, themes, type Theme } from '../utils/preferences';
import { MoonIcon, ScreenIcon, SettingsIcon, SunIcon } from './icons';

const themeTexts: Record<Theme, MessageKey> = { light: 'themeLight', dark: 'themeDark', system: 'themeSystem' };
const themeIcons: Record<Theme, ReactNode> = {
    light: <SunIcon size={16} />,
    dark: <MoonIcon size={16} />,
    system: <ScreenIcon size={16} />,
};

/** Theme and language, behind one button. */
export function SettingsMenu(): JSX.Element {
    const { t, language } = useTranslation();
    const theme = useStore(preferencesStore, (state) => state.theme);
    const [open, setOpen] = useState(false);
    const area = useRef<HTMLDivElement>(null);
    const button = useRef<HTMLButtonElement>(null);
    const dismiss = useCallback((byKeyboard: boolean) => {
        setOpen(false);
        if (byKeyboard) button.current?.focus();
    }, []);
    useDismiss(area, open, dismiss);
    return (
        <div ref={area} className="relative">
            <button ref={button} type="button" className="bar-button" aria-label={t('settings')} aria-expanded={open}
                aria-controls="settings-panel" onClick={() => setOpen(!open)}>
                <SettingsIcon />
            </button>
            {open && (
                <div id="settings-panel" className="settings-panel">
                    <Choice name="theme" legend={t('theme')} value={theme} onChange={setTheme}
                        options={themes.map((value) => ({ value, text: t(themeTexts[value]), icon: themeIcons[value] }))} />
                    <Choice name="language" legend={t('language')} value={language} onChange={setLanguage}
                        options={languages.map((value) => ({ value, text: languageNames[value] }))} />
                </div>
            )}
        </div>
    );
}

interface ChoiceProps<Value extends string> {
    readonly name: string;
    readonly legend: string;
    readonly value: Value;
    readonly options: readonly { readonly value: Value; readonly text: string; readonly icon?: ReactNode }[];
    readonly onChange: (value: Value) => void;
}

/** Native radio buttons drawn as one row of segments. */
function Choice<Value extends string>({ name, legend, value, options, onChange }: ChoiceProps<Value>): JSX.Element {
    return (
        <fieldset>
            <legend className="mb-1.5 text-[13px] font-medium text-muted">{legend}</legend>
            <div className="segments">
                {options.map((option) => (
                    <label key={option.value} className="segment">
                        <input type="radio" name={name} value={option.value} className="sr-only"
                            checked={option.value === value} onChange={() => onChange(option.value)} />
                        {option.icon}
                        <span>{option.text}</span>
                    </label>
                ))}
            </div>
        </fieldset>
    );
}
