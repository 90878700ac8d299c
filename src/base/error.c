/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include <podfs/base/error.h>

int error_set(struct error *e, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (e) {
		e->code = code;
		e->hint[0] = '\0';
		vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	}
	va_end(ap);
	return code;
}

void error_hint(struct error *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (e)
		vsnprintf(e->hint, sizeof(e->hint), fmt, ap);
	va_end(ap);
}
