// Addresses that lead nowhere but to the machine they are opened on.
export const isLocal = (address) => URL.canParse(address.trim()) && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(address.trim()).hostname);
