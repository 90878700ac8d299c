/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auth.h"
#include "churn.h"
#include "http.h"
#include "list.h"
#include "load.h"
#include "options.h"
#include "pace.h"
#include "store.h"
#include "target.h"
#include "watch.h"

int main(int argc, char **argv)
{
	static struct options o; /* kept by those who are given it */
	unsigned port;
	sigset_t set;
	int r = options_parse(argc, argv, &o), sig;

	if (r)
		return r < 0 ? 0 : r;
	/* every thread inherits the mask, so that only sigwait() below sees these */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	store_init(o.history);
	store_raise(o.first_revision ? o.first_revision - 1 : 0);
	if (!load_all(&o))
		return 1;
	auth_init(&o);
	list_init(o.max_page);
	pace_init(o.rate);
	watch_init(o.bookmark_interval);
	api_watch_init(o.streaming_lists);
	if (http_start(&o, &port) < 0)
		return 1;
	churn_init(&o);
	printf("listening on %s://%s%s%s:%u\n", o.tls_cert ? "https" : "http",
	       strchr(o.host, ':') ? "[" : "", o.host, strchr(o.host, ':') ? "]" : "", port);
	fflush(stdout);
	sigwait(&set, &sig);
	/* nothing to save; and not exit(): libraries would clean up under threads that still run */
	_exit(0);
}
