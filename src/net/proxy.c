/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Through which proxy: the configuration's, else the environment's by the
 * rules of Go, which are not libcurl's.
 */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "internal.h"

/* Go never sends what is on this machine through a proxy of the environment. */
static bool is_loopback(const char *url)
{
	const char *host = strstr(url, "://") + 3;
	size_t len = strcspn(host, *host == '[' ? "]" : ":/");
	char text[INET_ADDRSTRLEN] = "";
	struct in_addr v4 = {0};

	if ((len == 9 && !strncasecmp(host, "localhost", len)) || !strncmp(host, "[::1]", 5))
		return true;
	if (len < sizeof(text))
		memcpy(text, host, len);
	return inet_pton(AF_INET, text, &v4) == 1 && ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
}

/* The variable of the server's scheme, in capitals first; no ALL_PROXY. "": none. */
static const char *of_environment(const char *server)
{
	static const char *const names[2][2] = {{"HTTP_PROXY", "http_proxy"},
						{"HTTPS_PROXY", "https_proxy"}};
	bool secure = !strncmp(server, "https://", 8);

	if (is_loopback(server))
		return "";
	for (size_t i = 0; i < ARRAY_SIZE(names[secure]); i++) {
		const char *value = getenv(names[secure][i]);

		if (value && *value)
			return value;
	}
	return "";
}

/* As in Go, an https proxy is trusted on the same terms as the server. */
static CURLcode set_tls(CURL *easy, const struct client_config *c)
{
	CURLcode r = CURLE_OK;

	if (c->insecure_skip_tls_verify) {
		curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYHOST, 0L);
	}
	if (c->ca_file || c->ca_data.data)
		r = curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
	if (!r && c->ca_file)
		r = curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, c->ca_file);
	return r ? r : easy_set_blob(easy, CURLOPT_PROXY_CAINFO_BLOB, &c->ca_data);
}

CURLcode proxy_set(CURL *easy, const struct client_config *c)
{
	const char *proxy = c->proxy_url ? c->proxy_url : of_environment(c->server);
	/* As in Go, names are resolved by the proxy. */
	bool socks = !strncmp(proxy, "socks5://", 9);
	cleanup_buf struct buf url = {0};

	buf_addf(&url, "%s%s", socks ? "socks5h" : "", proxy + (socks ? 6 : 0));
	if (url.err)
		return CURLE_OUT_OF_MEMORY;
	/* An empty one is none, whatever the environment says to libcurl. */
	CURLcode r = curl_easy_setopt(easy, CURLOPT_PROXY, url.data);
	explicit_bzero(url.data, url.len);
	/* NO_PROXY is for those of the environment. */
	if (!r && c->proxy_url)
		r = curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
	return r ? r : set_tls(easy, c);
}
