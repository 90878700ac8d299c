/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/mman.h>

#include <podfs/base/memory.h>
#include <podfs/fs/head.h>

int fs_head_map(int memory, struct fs_head **ret)
{
	void *base;
	int r = memory_map(memory, MEMORY_HEAD, sizeof(struct fs_head), &base);

	if (r == 0)
		*ret = base;
	return r;
}

void fs_head_unmap(struct fs_head *head)
{
	if (head)
		munmap(head, sizeof(*head));
}
