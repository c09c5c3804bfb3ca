import type { Language } from './preferences';

const english = {
    appName: 'StellarChat',
    skipToInput: 'Skip to the message box',
    newConversation: 'New conversation',
    settings: 'Settings',
    theme: 'Theme',
    themeLight: 'Light',
    themeDark: 'Dark',
    themeSystem: 'System',
    language: 'Language',
    stateConnecting: 'Connecting…',
    stateLoading: 'Loading model…',
    stateReady: 'Ready',
    stateFailed: 'Model not loaded',
    stateUnreachable: 'Server unreachable',
    greeting: 'What’s on your mind?',
    runningModel: '{model} is running on your server.',
    loadingIntro: 'The model is being loaded. You can already write.',
    failedIntro: 'The model could not be loaded. The server’s log says more.',
    unreachableIntro: 'The server can’t be reached. This page reconnects by itself.',
    connectingIntro: 'Connecting to the server…',
    examples: 'Examples',
    you: 'You',
    assistant: 'Assistant',
    conversation: 'Conversation',
    messageLabel: 'Message',
    messagePlaceholder: 'Write a message…',
    send: 'Send',
    stop: 'Stop',
    keysHint: 'Enter sends · Shift + Enter starts a new line',
    waitLoading: 'The model is still loading. Your text is kept.',
    waitUnreachable: 'The server can’t be reached. Your text is kept, and you can send it once the connection is back.',
    mistakes: 'Models make mistakes. Check what matters.',
    thinking: 'Working on it…',
    replyFinished: 'Reply finished.',
    copy: 'Copy',
    copied: 'Copied',
    copyFailed: 'Not copied',
    copyMessage: 'Copy message',
    copyCode: 'Copy code',
    retry: 'Try again',
    jumpToLatest: 'Jump to latest',
    tokensPerSecond: '{rate} tokens/s',
    firstToken: '{time} to first token',
    tokens: '{count} tokens',
    oneToken: '1 token',
    stopped: 'Stopped',
    emptyReply: 'The model gave an empty reply.',
    lengthLimit: 'The reply reached its length limit.',
    failureUnreachable: 'The server couldn’t be reached.',
    failureInterrupted: 'The connection was lost during the reply.',
    failureBusy: 'The server is busy or still loading.',
    failureRefused: 'The server couldn’t answer this request.',
    pageBroken: 'Something went wrong in this page.',
    reload: 'Reload',
    table: 'Table',
};

export type MessageKey = keyof typeof english;

const chinese: Record<MessageKey, string> = {
    appName: 'StellarChat',
    skipToInput: '跳到输入框',
    newConversation: '新对话',
    settings: '设置',
    theme: '主题',
    themeLight: '浅色',
    themeDark: '深色',
    themeSystem: '跟随系统',
    language: '语言',
    stateConnecting: '正在连接…',
    stateLoading: '模型加载中…',
    stateReady: '就绪',
    stateFailed: '模型未能加载',
    stateUnreachable: '无法连接服务器',
    greeting: '想聊点什么？',
    runningModel: '{model} 正在你的服务器上运行。',
    loadingIntro: '模型正在加载，可以先写好内容。',
    failedIntro: '模型未能加载，详情请看服务器日志。',
    unreachableIntro: '无法连接服务器，本页会自动重连。',
    connectingIntro: '正在连接服务器…',
    examples: '示例',
    you: '你',
    assistant: '助手',
    conversation: '对话',
    messageLabel: '消息',
    messagePlaceholder: '输入消息…',
    send: '发送',
    stop: '停止',
    keysHint: 'Enter 发送 · Shift + Enter 换行',
    waitLoading: '模型仍在加载，内容已保留。',
    waitUnreachable: '无法连接服务器，内容已保留，恢复连接后即可发送。',
    mistakes: '模型可能出错，重要信息请核实。',
    thinking: '正在处理…',
    replyFinished: '回复完成。',
    copy: '复制',
    copied: '已复制',
    copyFailed: '未能复制',
    copyMessage: '复制消息',
    copyCode: '复制代码',
    retry: '重试',
    jumpToLatest: '回到最新',
    tokensPerSecond: '{rate} 词元/秒',
    firstToken: '首词元 {time}',
    tokens: '{count} 个词元',
    oneToken: '1 个词元',
    stopped: '已停止',
    emptyReply: '模型返回了空回复。',
    lengthLimit: '回复已达到长度上限。',
    failureUnreachable: '无法连接服务器。',
    failureInterrupted: '回复途中连接中断。',
    failureBusy: '服务器繁忙或仍在加载。',
    failureRefused: '服务器无法处理这个请求。',
    pageBroken: '页面出现了问题。',
    reload: '重新加载',
    table: '表格',
};

export interface ExamplePrompt {
    readonly title: string;
    readonly prompt: string;
}

const englishExamples: readonly ExamplePrompt[] = [
    { title: 'Explain something', prompt: 'Explain in simple words why the sky is blue.' },
    { title: 'Write a message', prompt: 'Write a short, friendly e-mail that moves a meeting to Friday.' },
    { title: 'Help with code', prompt: 'Write a Python function that counts how often each word occurs in a text.' },
    { title: 'Find ideas', prompt: 'Give me five ideas for a rainy weekend at home.' },
];

const chineseExamples: readonly ExamplePrompt[] = [
    { title: '讲解知识', prompt: '用简单的话解释天空为什么是蓝色的。' },
    { title: '写封邮件', prompt: '写一封简短友好的邮件，把会议改到周五。' },
    { title: '编写代码', prompt: '用 Python 写一个函数，统计一段文字中每个单词出现的次数。' },
    { title: '找些灵感', prompt: '给我五个雨天周末在家可以做的事。' },
];

export const messages: Record<Language, Record<MessageKey, string>> = { en: english, zh: chinese };
export const examplePrompts: Record<Language, readonly ExamplePrompt[]> = { en: englishExamples, zh: chineseExamples };
export const languageNames: Record<Language, string> = { en: 'English', zh: '中文' };

/** Fills `{name}` places of a text. */
export function fill(text: string, values: Readonly<Record<string, string>> = {}): string {
    return text.replace(/\{(\w+)\}/g, (place, name: string) => values[name] ?? place);
}
