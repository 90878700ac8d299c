/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "internal.h"

/*
 * With TLS 1.3 a server refuses a client certificate after the handshake, by an
 * alert that libcurl reports as a read error.
 */
static bool is_alert(const char *text)
{
	return strstr(text, "alert") && strstr(text, "SSL");
}

/* The end of the connection within the handshake: somebody on the way, not a matter of trust. */
static bool is_hang_up(const char *text)
{
	return strstr(text, "SSL_ERROR_SYSCALL") || strstr(text, "unexpected eof");
}

static int os_error(CURL *easy, int otherwise)
{
	long code = 0;

	if (curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &code) != CURLE_OK || code <= 0)
		return otherwise;
	return -(int)code;
}

enum http_failure failure_of(CURL *easy, CURLcode code, const char *text, int *ret_err)
{
	switch (code) {
	case CURLE_OK:
		*ret_err = 0;
		return HTTP_FAILURE_UNSET;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		*ret_err = -EHOSTUNREACH;
		return HTTP_FAILURE_UNREACHABLE;
	case CURLE_COULDNT_CONNECT:
	case CURLE_PROXY:
		*ret_err = os_error(easy, -ECONNREFUSED);
		return HTTP_FAILURE_UNREACHABLE;
	case CURLE_OPERATION_TIMEDOUT:
		*ret_err = -ETIMEDOUT;
		return HTTP_FAILURE_UNREACHABLE;
	case CURLE_SSL_CONNECT_ERROR:
		/* A server that goes away during the handshake has no TLS problem. */
		*ret_err = os_error(easy, -EPROTO);
		if (*ret_err == -ECONNRESET || *ret_err == -ETIMEDOUT)
			return HTTP_FAILURE_UNREACHABLE;
		if (is_hang_up(text)) {
			*ret_err = -ECONNRESET;
			return HTTP_FAILURE_UNREACHABLE;
		}
		*ret_err = -EPROTO;
		return HTTP_FAILURE_TLS;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CRL_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_CLIENTCERT:
		*ret_err = -EKEYREJECTED;
		return HTTP_FAILURE_TLS;
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
		if (is_alert(text)) {
			*ret_err = -EKEYREJECTED;
			return HTTP_FAILURE_TLS;
		}
		*ret_err = os_error(easy, -ECONNRESET);
		return HTTP_FAILURE_UNREACHABLE;
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		*ret_err = -ECONNRESET;
		return HTTP_FAILURE_UNREACHABLE;
	case CURLE_OUT_OF_MEMORY:
		*ret_err = -ENOMEM;
		return HTTP_FAILURE_LOCAL;
	default:
		*ret_err = -EPROTO;
		return HTTP_FAILURE_PROTOCOL;
	}
}
