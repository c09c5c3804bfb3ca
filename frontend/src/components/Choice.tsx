import type { ReactNode } from 'react';

interface ChoiceProps<Value extends string> {
    readonly name: string;
    readonly legend: string;
    readonly value: Value;
    readonly options: readonly { readonly value: Value; readonly text: string; readonly icon?: ReactNode }[];
    readonly onChange: (value: Value) => void;
}

/** Native radio buttons drawn as one row of segments. */
export function Choice<Value extends string>({ name, legend, value, options, onChange }: ChoiceProps<Value>): JSX.Element {
    return (
        <fieldset>
            <legend className="field-label">{legend}</legend>
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
