/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What Steam keeps of its games. */
#include "desktop/steam.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_copy(data, size);
	struct err err = { 0 };
	struct vdf v = { 0 };
	size_t root;

	if (vdf_parse(text, size, &v, &err) < 0)
		must(err.code && !strncmp(err.text, "line ", 5));
	for (size_t i = 0; i < v.n; i++) {
		must(v.v[i].key && (v.v[i].parent == VDF_ROOT || v.v[i].parent < i));
		must(v.v[i].parent == VDF_ROOT || !v.v[v.v[i].parent].value);
		must(strlen(v.v[i].key) + (v.v[i].value ? strlen(v.v[i].value) : 0) <= size);
	}
	root = vdf_find(&v, VDF_ROOT, "libraryfolders", VDF_ROOT);
	if (root != VDF_ROOT)
		vdf_value(&v, root, "path");
	vdf_done(&v);
	free(text);
	return 0;
}
