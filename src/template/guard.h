/* Stricter rules for a text that carries a link worth stealing ({{link}} of an invitation or a
 * reset): the link goes nowhere but to this service, whoever wrote the text, and nothing is fetched
 * from elsewhere when the mail is read (threat T31). Pure.
 *
 * In the plain text {{link}} is a line of its own; in HTML it is a whole href, or all that such a
 * link shows. Every other link begins with {{public_url}} or is a mailto: without values. Pictures,
 * url() in styles and comments of HTML, which some mail programs read, are refused. */
#pragma once

#include "template/template.h"

/* What is wrong with a part that template_check has accepted: one English sentence, static; NULL:
 * nothing. */
const char *guard_fault(const char *source, TemplatePart part);
