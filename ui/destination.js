// Server, port and encryption as they belong together: what a pasted server name holds, which port means which encryption.
const SECURITY_OF_PORT = {
  465: 'implicit', 2465: 'implicit', 587: 'starttls', 588: 'starttls', 2525: 'starttls', 2587: 'starttls',
};
const OTHER_PORT = {
  implicit: { '': '465', 587: '465', 588: '465', 2525: '465', 2587: '2465' },
  starttls: { 465: '587', 2465: '2587' },
};

/** What a well-known port says about the encryption; undefined for any other. */
export const securityOfPort = (port) => SECURITY_OF_PORT[port.trim()];

/** The port that goes with an encryption newly chosen: the usual one, or the one that stands there. */
export const portFor = (security, port) => OTHER_PORT[security][port.trim()] ?? port;

/**
 * A server name as people paste it: `https://host/path`, `smtp://user@host:465`, `host:465`, with spaces around.
 * { host, port }: port is '' if none was named, or if it belongs to a web page. What is no such thing stays as it is.
 */
export function takeApart(text) {
  const match = /^(?:([a-z][a-z\d+.-]*):\/\/(?:[^/?#\s]*@)?)?([^\s/:?#@[\]]+)(?::(\d{1,5}))?(?:[/?#]\S*)?$/i.exec(text.trim());
  if (!match) return { host: text.trim(), port: '' };
  const [, scheme, host, port] = match;
  return { host, port: /^https?$/i.test(scheme ?? '') ? '' : port ?? '' };
}
