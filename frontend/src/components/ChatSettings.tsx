import { useEffect, useId, useRef, useState } from 'react';
import { useTranslation } from '../hooks/useTranslation';
import { setGeneration, setModel, setSystemPrompt } from '../store/actions';
import { useActive } from '../store/chatStore';
import { useStore } from '../store/createStore';
import { serverStore } from '../store/serverStore';
import type { GenerationSettings } from '../types/conversation';
import { defaultMaxTokens } from '../utils/preferences';
import type { TextKey } from '../utils/texts';

type NumberKey = 'temperature' | 'topP' | 'topK' | 'maxTokens' | 'seed';

interface NumberSpec {
    readonly key: NumberKey;
    readonly label: TextKey;
    readonly hint: TextKey;
    readonly max: number;
    readonly step: number;
}

const numbers: readonly NumberSpec[] = [
    { key: 'maxTokens', label: 'maxTokens', hint: 'maxTokensHint', max: 10_000_000, step: 1 },
    { key: 'temperature', label: 'temperature', hint: 'temperatureHint', max: 2, step: 0.1 },
    { key: 'topP', label: 'topP', hint: 'topPHint', max: 1, step: 0.05 },
    { key: 'topK', label: 'topK', hint: 'topKHint', max: 1_000_000, step: 1 },
    { key: 'seed', label: 'seed', hint: 'seedHint', max: Number.MAX_SAFE_INTEGER, step: 1 },
];

/** Model, system prompt, and how replies are generated. */
export function ChatSettings(): JSX.Element {
    const { t } = useTranslation();
    const conversation = useActive((open) => open.conversation);
    const { settings, systemPrompt } = conversation;
    return (
        <div key={conversation.id} className="flex flex-col gap-5">
            <ModelChoice value={conversation.model} />
            <SystemPrompt value={systemPrompt ?? ''} />
            <div className="grid gap-x-4 gap-y-4 sm:grid-cols-2">
                {numbers.map((spec) => (
                    <NumberField key={spec.key} spec={spec} value={settings[spec.key]}
                        onChange={(value) => setGeneration(changed(settings, spec.key, value))} />
                ))}
                <StopTexts value={settings.stop ?? []}
                    onChange={(stop) => setGeneration(changed(settings, 'stop', stop.length > 0 ? stop : undefined))} />
            </div>
            <div className="flex flex-wrap items-center gap-3">
                <p className="field-hint flex-1">{t('generationHint')}</p>
                <button type="button" className="plain-button" onClick={() => setGeneration({ maxTokens: defaultMaxTokens })}>
                    {t('resetSettings')}
                </button>
            </div>
        </div>
    );
}

function changed<Key extends keyof GenerationSettings>(
    settings: GenerationSettings, key: Key, value: GenerationSettings[Key] | undefined,
): GenerationSettings {
    const { [key]: _, ...others } = settings;
    return value === undefined ? others : { ...others, [key]: value };
}

function ModelChoice({ value }: { readonly value: string | null }): JSX.Element | null {
    const { t } = useTranslation();
    const { models, model } = useStore(serverStore, (state) => state);
    const id = useId();
    if (models.length === 0) return null;
    return (
        <div>
            <label className="field-label" htmlFor={id}>{t('model')}</label>
            <select id={id} className="field w-full" name="model" value={value ?? model ?? models[0]?.id}
                onChange={(event) => setModel(event.target.value)}>
                {models.map((each) => <option key={each.id} value={each.id}>{each.id}</option>)}
            </select>
        </div>
    );
}

function SystemPrompt({ value }: { readonly value: string }): JSX.Element {
    const { t } = useTranslation();
    const [text, setText] = useState(value);
    const latest = useRef({ text, kept: value });
    latest.current.text = text;
    const keep = (): void => {
        if (latest.current.text === latest.current.kept) return;
        latest.current.kept = latest.current.text;
        setSystemPrompt(latest.current.text);
    };
    useEffect(() => keep, []);
    const id = useId();
    return (
        <div>
            <label className="field-label" htmlFor={id}>{t('systemPrompt')}</label>
            <textarea id={id} name="systemPrompt" className="field w-full" rows={3} value={text} placeholder={t('systemPromptPlaceholder')}
                aria-describedby={`${id}-hint`} onChange={(event) => setText(event.target.value)} onBlur={keep} />
            <p id={`${id}-hint`} className="field-hint">{t('systemPromptHint')}</p>
        </div>
    );
}

interface NumberFieldProps {
    readonly spec: NumberSpec;
    readonly value: number | undefined;
    readonly onChange: (value: number | undefined) => void;
}

/** A number that may be left to the server. It counts when the field is left; what is no number in range is not taken. */
function NumberField({ spec, value, onChange }: NumberFieldProps): JSX.Element {
    const { t } = useTranslation();
    const [text, setText] = useState(value === undefined ? '' : String(value));
    const id = useId();
    useEffect(() => setText(value === undefined ? '' : String(value)), [value]);
    const invalid = parse(text, spec) === null;
    const keep = (): void => {
        const number = parse(latest.current.text, spec);
        if (number !== null && number !== latest.current.value) latest.current.onChange(number);
    };
    const latest = useRef({ text, value, onChange });
    latest.current = { text, value, onChange };
    useEffect(() => keep, []);
    return (
        <div>
            <label className="field-label" htmlFor={id}>{t(spec.label)}</label>
            <input id={id} name={spec.key} className="field w-full" type="text" inputMode="decimal" autoComplete="off" value={text}
                placeholder={t('standard')} aria-invalid={invalid} aria-describedby={`${id}-hint`}
                onChange={(event) => setText(event.target.value)} onBlur={keep} />
            <p id={`${id}-hint`} className="field-hint" data-invalid={invalid}>{t(spec.hint)}</p>
        </div>
    );
}

/** The number that is written; undefined for none, null for what is no number or out of range. */
function parse(text: string, { max, step }: NumberSpec): number | undefined | null {
    if (text.trim() === '') return undefined;
    const number = Number(text.trim().replace(',', '.'));
    const valid = Number.isFinite(number) && number >= 0 && number <= max && (step < 1 || Number.isInteger(number));
    return valid ? number : null;
}

interface StopTextsProps {
    readonly value: readonly string[];
    readonly onChange: (value: readonly string[]) => void;
}

function StopTexts({ value, onChange }: StopTextsProps): JSX.Element {
    const { t } = useTranslation();
    const [text, setText] = useState(value.join('\n'));
    const id = useId();
    return (
        <div>
            <label className="field-label" htmlFor={id}>{t('stopTexts')}</label>
            <textarea id={id} name="stop" className="field w-full" rows={2} value={text} placeholder={t('standard')}
                aria-describedby={`${id}-hint`}
                onChange={(event) => {
                    setText(event.target.value);
                    onChange(event.target.value.split('\n').filter((line) => line !== '').slice(0, 4));
                }} />
            <p id={`${id}-hint`} className="field-hint">{t('stopTextsHint')}</p>
        </div>
    );
}
