/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "samples.h"

#include <stdio.h>
#include <stdlib.h>

char *sample(const char *name, size_t *ret_len)
{
	const size_t most = 65536;
	char path[512], *bytes = malloc(most);
	FILE *f;

	snprintf(path, sizeof(path), SAMPLES "/%s", name);
	f = fopen(path, "re");
	if (!f || !bytes)
		abort();
	*ret_len = fread(bytes, 1, most, f);
	fclose(f);
	return bytes;
}
