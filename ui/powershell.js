// The lines with which an Exchange administrator opens one mailbox to an application: ready to run, whatever was typed into them.
import { t } from './i18n.js';

/** A text as PowerShell takes it literally. To PowerShell the curly quotation marks are quotation marks as well. */
export const quoted = (text) => `'${text.replace(/['\u2018\u2019\u201a\u201b]/g, '$&$&')}'`;

const orPlace = (text, place) => (text ? quoted(text) : `<${place}>`);

/** clientId, objectId: '' leaves a place to fill in; sender: if it is another address than the mailbox, it is permitted as well. */
export function linesFor({ clientId, objectId, mailbox, sender }) {
  const box = orPlace(mailbox, t('login.mailbox'));
  const client = orPlace(clientId, t('oauth.ms.client_id'));
  const other = sender && mailbox && sender.toLowerCase() !== mailbox.toLowerCase();
  return [
    `Install-Module ExchangeOnlineManagement -Scope CurrentUser  # ${t('oauth.ms.shell.once')}`,
    'Connect-ExchangeOnline',
    `New-ServicePrincipal -AppId ${client} -ObjectId ${orPlace(objectId, t('oauth.ms.object'))} -DisplayName Absender`,
    `$absender = (Get-ServicePrincipal -Identity ${client}).Identity`,
    `Add-MailboxPermission -Identity ${box} -User $absender -AccessRights FullAccess`,
    `Set-CASMailbox -Identity ${box} -SmtpClientAuthenticationDisabled $false`,
    ...(other ? [`Add-RecipientPermission -Identity ${quoted(sender)} -Trustee $absender -AccessRights SendAs  # ${t('oauth.ms.shell.other_sender')}`] : []),
  ].join('\n');
}
