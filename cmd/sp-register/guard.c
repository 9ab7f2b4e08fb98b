/* Checks on raw bytes, before any parser sees them. */
#include "cmd/sp-register/guard.h"

#include <ctype.h>
#include <string.h>

bool guard_value(struct sip_slice value)
{
	int marks = 0;

	if (value.at == NULL || value.len == 0 || value.len > SIP_MAX_LINE)
		return false;
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.at[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
		marks += c == ';' || c == ',' || c == '&' || c == '%';
	}
	return marks <= SIP_MAX_MARKS;
}

bool guard_uri(struct sip_slice value)
{
	if (!guard_value(value))
		return false;
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] != '%')
			continue;
		if (value.len - i < 3 ||
			!isxdigit((unsigned char)value.at[i + 1]) ||
			!isxdigit((unsigned char)value.at[i + 2]))
			return false;
		if (value.at[i + 1] == '0' && value.at[i + 2] == '0')
			return false;
	}
	return true;
}

bool guard_token(struct sip_slice method)
{
	if (method.len == 0 || method.len > 64)
		return false;
	for (size_t i = 0; i < method.len; i++)
		if (!isalnum((unsigned char)method.at[i]) &&
			(method.at[i] == '\0' ||
				strchr("-.!%*_+`'~", method.at[i]) == NULL))
			return false;
	return true;
}
