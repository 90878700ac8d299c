/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target on files, and on all files of folders: what any compiler
 * builds in place of libFuzzer. Prints TAP; an input that breaks the target
 * ends the process, and its name is the last line.
 */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "fuzz.h"

static unsigned int count;

static int complain(const char *path)
{
	printf("not ok %u - %s: %s\n", ++count, path, strerror(errno));
	return -1;
}

static int replay_file(const char *path)
{
	cleanup_buf struct buf text = {0};
	char piece[4096];
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f)
		return complain(path);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(&text, piece, n);
	bool failed = ferror(f);
	fclose(f);
	if (failed || text.err)
		return complain(path);
	char *copy = fuzz_copy((struct fuzz_input){text.data, text.len}, false);
	printf("# %s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput((uint8_t *)copy, text.len);
	free(copy);
	printf("ok %u - %s\n", ++count, path);
	return 0;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int replay_folder(const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, is_visible, alphasort);
	int r = n < 0 ? complain(path) : 0;

	for (int i = 0; i < n; i++) {
		cleanup_buf struct buf name = {0};

		buf_addf(&name, "%s/%s", path, entries[i]->d_name);
		if (name.err || replay_file(name.data) < 0)
			r = -1;
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return r;
}

static int replay(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return complain(path);
	return S_ISDIR(st.st_mode) ? replay_folder(path) : replay_file(path);
}

int main(int argc, char **argv)
{
	int r = 0;

	for (int i = 1; i < argc; i++)
		if (replay(argv[i]) < 0)
			r = -1;
	if (!count)
		printf("not ok 1 - there is nothing to replay\n");
	printf("1..%u\n", count ? count : 1);
	return r == 0 && count ? 0 : 1;
}
