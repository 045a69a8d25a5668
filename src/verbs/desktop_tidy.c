/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs/desktop_tidy.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

enum type {
	ANY,
	BOOL,
	LOCALE, /* may have translations */
	PATH,   /* absolute */
};

struct known_key {
	const char *name;
	enum type type;
	bool in_action;
};

/* Of an application. Version is left out where it is not one that older validators know. */
static const struct known_key known_keys[] = {
	{ "Type", ANY, false },
	{ "Version", ANY, false },
	{ "Name", LOCALE, true },
	{ "GenericName", LOCALE, false },
	{ "NoDisplay", BOOL, false },
	{ "Comment", LOCALE, false },
	{ "Icon", LOCALE, true },
	{ "Hidden", BOOL, false },
	{ "OnlyShowIn", ANY, false },
	{ "NotShowIn", ANY, false },
	{ "DBusActivatable", BOOL, false },
	{ "TryExec", ANY, false },
	{ "Exec", ANY, true },
	{ "Path", PATH, false },
	{ "Terminal", BOOL, false },
	{ "Actions", ANY, false },
	{ "MimeType", ANY, false },
	{ "Categories", ANY, false },
	{ "Implements", ANY, false },
	{ "Keywords", LOCALE, false },
	{ "StartupNotify", BOOL, false },
	{ "StartupWMClass", ANY, false },
	{ "PrefersNonDefaultGPU", BOOL, false },
};

/* Desktop Menu Specification 1.1, "Registered Categories". */
static const char registered_categories[] =
	";AudioVideo;Audio;Video;Development;Education;Game;Graphics;Network;Office;Science;"
	"Settings;System;Utility;Building;Debugger;IDE;GUIDesigner;Profiling;RevisionControl;"
	"Translation;Calendar;ContactManagement;Database;Dictionary;Chart;Email;Finance;FlowChart;"
	"PDA;ProjectManagement;Presentation;Spreadsheet;WordProcessor;2DGraphics;VectorGraphics;"
	"RasterGraphics;3DGraphics;Scanning;OCR;Photography;Publishing;Viewer;TextTools;"
	"DesktopSettings;HardwareSettings;Printing;PackageManager;Dialup;InstantMessaging;Chat;"
	"IRCClient;Feed;FileTransfer;HamRadio;News;P2P;RemoteAccess;Telephony;TelephonyTools;"
	"VideoConference;WebBrowser;WebDevelopment;Midi;Mixer;Sequencer;Tuner;TV;"
	"AudioVideoEditing;Player;Recorder;DiscBurning;ActionGame;AdventureGame;ArcadeGame;"
	"BoardGame;BlocksGame;CardGame;KidsGame;LogicGame;RolePlaying;Shooter;Simulation;"
	"SportsGame;StrategyGame;Art;Construction;Music;Languages;ArtificialIntelligence;"
	"Astronomy;Biology;Chemistry;ComputerScience;DataVisualization;Economy;Electricity;"
	"Geography;Geology;Geoscience;History;Humanities;ImageProcessing;Literature;Maps;Math;"
	"NumericalAnalysis;MedicalSoftware;Physics;Robotics;Spirituality;Sports;ParallelComputing;"
	"Amusement;Archiving;Compression;Electronics;Emulator;Engineering;FileTools;FileManager;"
	"TerminalEmulator;Filesystem;Monitor;Security;Accessibility;Calculator;Clock;TextEditor;"
	"Documentation;Adult;Core;KDE;GNOME;XFCE;DDE;GTK;Qt;Motif;Java;ConsoleOnly;";

static const char registered_media[] =
	";application;audio;chemical;font;image;inode;message;model;multipart;text;video;"
	"x-content;x-scheme-handler;x-epoc;x-office;x-world;";

static bool in_list(const char *list, const char *word, size_t len)
{
	for (const char *at = list; (at = strchr(at, ';')) && at[1]; at++)
		if (!strncmp(at + 1, word, len) && at[1 + len] == ';')
			return true;
	return false;
}

static bool category_known(const char *word, size_t len)
{
	return (len > 2 && !strncmp(word, "X-", 2)) || in_list(registered_categories, word, len);
}

/* "TYPE/SUBTYPE", as far as old validators look. */
static bool mime_known(const char *word, size_t len)
{
	const char *slash = memchr(word, '/', len);
	size_t type = slash ? (size_t)(slash - word) : 0;

	if (!type || type + 1 == len || memchr(slash + 1, '/', len - type - 1))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)word[i]) && !strchr("!#$&.+-^_/", word[i]))
			return false;
	return in_list(registered_media, word, type);
}

/* The values that are known, each once. A value of ours ends in ';'. */
static int tidy_list(struct entry *e, const char *group, const char *key,
		     bool (*known)(const char *word, size_t len))
{
	_cleanup_strbuf_ struct strbuf all = { 0 };
	const char *value = entry_get(e, group, key);

	if (!value)
		return 0;
	strbuf_add(&all, ";");
	for (const char *at = value; *at;) {
		size_t len = strcspn(at, ";"), end = len;

		while (end && at[end - 1] == ' ')
			end--;
		if (end && known(at, end) && !in_list(strbuf_text(&all), at, end))
			strbuf_add(&all, "%.*s;", (int)end, at);
		at += len + (at[len] == ';');
	}
	if (strbuf_failed(&all))
		return -ENOMEM;
	if (all.len > 1)
		return entry_set(e, group, key, strbuf_text(&all) + 1);
	entry_drop(e, group, key, false);
	return 0;
}

/* --- keys ------------------------------------------------------------------------------------ */

static const struct known_key *find_key(const char *key, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(known_keys); i++)
		if (strlen(known_keys[i].name) == len && !memcmp(known_keys[i].name, key, len))
			return &known_keys[i];
	return NULL;
}

static bool name_valid(const char *key, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)key[i]) && key[i] != '-')
			return false;
	return len != 0;
}

static bool locale_valid(const char *rest)
{
	size_t len = strlen(rest);

	return !len || (len > 2 && rest[len - 1] == ']' && strcspn(rest + 1, "[]= ") == len - 2);
}

/* Whether the line may stay; its value may have to be mended. Groups of others hold what they want.
 */
static int tidy_key(struct entry_line *l, bool ours, bool action, bool *ret_keep)
{
	size_t len = entry_key_length(l->key);
	const struct known_key *known = find_key(l->key, len);
	const char *better = NULL;

	*ret_keep = false;
	if (!name_valid(l->key, len) || !locale_valid(l->key + len))
		return 0;
	if (!ours || !strncmp(l->key, "X-", 2)) {
		*ret_keep = true;
		return 0;
	}
	if (!known || (action && !known->in_action) || (l->key[len] && known->type != LOCALE) ||
	    (known->type == PATH && l->value[0] != '/'))
		return 0;
	if (known->type == BOOL) {
		if (!strcmp(l->value, "1") || !strcasecmp(l->value, "true"))
			better = "true";
		else if (!strcmp(l->value, "0") || !strcasecmp(l->value, "false"))
			better = "false";
		else
			return 0;
	}
	if (!strcmp(known->name, "Version") &&
	    (strlen(l->value) != 3 || strncmp(l->value, "1.", 2) != 0 ||
	     strchr("01234", l->value[2]) == NULL))
		return 0;
	*ret_keep = true;
	if (better && strcmp(better, l->value) != 0) {
		free(l->value);
		l->value = strdup(better);
		return l->value ? 0 : -ENOMEM;
	}
	return 0;
}

/* "foo.png" is looked for as "foo", unless it is a path. */
static void tidy_icon(struct entry_line *l)
{
	size_t len = strlen(l->value);
	static const char *const ends[] = { ".png", ".xpm", ".svg" };

	if (strncmp(l->key, "Icon", entry_key_length(l->key)) != 0 || l->value[0] == '/')
		return;
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (len > 4 && !strcmp(l->value + len - 4, ends[i]))
			l->value[len - 4] = 0;
}

static int tidy_keys(struct entry *e)
{
	bool action = false, main = false, keep;

	for (size_t i = 0; i < e->n;) {
		struct entry_line *l = &e->v[i];

		if (l->kind == ENTRY_GROUP) {
			main = !strcmp(l->key, ENTRY_MAIN);
			action = !strncmp(l->key, ENTRY_ACTION, strlen(ENTRY_ACTION));
		}
		if (l->kind != ENTRY_KEY) {
			i++;
			continue;
		}
		if (tidy_key(l, main || action, action, &keep) < 0)
			return -ENOMEM;
		if (keep) {
			if (main || action)
				tidy_icon(l);
			i++;
		} else {
			entry_remove(e, i, 1);
		}
	}
	return 0;
}

/* A comment that says what a name says is one that validators warn of, and nobody misses. */
static void tidy_comments(struct entry *e)
{
	static const char *const names[] = { "Name", "GenericName" };
	size_t at = entry_group(e, ENTRY_MAIN) + 1;

	while (at < e->n && e->v[at].kind != ENTRY_GROUP) {
		const struct entry_line *l = &e->v[at];
		bool same = false;

		for (size_t i = 0; i < ARRAY_SIZE(names) && l->kind == ENTRY_KEY; i++) {
			_cleanup_strbuf_ struct strbuf key = { 0 };
			const char *value;

			if (entry_key_length(l->key) != 7 || strncmp(l->key, "Comment", 7) != 0)
				break;
			strbuf_add(&key, "%s%s", names[i], l->key + 7);
			value = entry_get(e, ENTRY_MAIN, strbuf_text(&key));
			same |= value && !strcmp(value, l->value);
		}
		if (same)
			entry_remove(e, at, 1);
		else
			at++;
	}
}

/* --- groups ---------------------------------------------------------------------------------- */

static void tidy_groups(struct entry *e)
{
	for (size_t i = 0; i < e->n;) {
		const struct entry_line *l = &e->v[i];

		if (l->kind == ENTRY_GROUP && strcmp(l->key, ENTRY_MAIN) != 0 &&
		    strncmp(l->key, "X-", 2) != 0 &&
		    strncmp(l->key, ENTRY_ACTION, strlen(ENTRY_ACTION)) != 0)
			entry_remove(e, i, entry_group_end(e, i) - i);
		else
			i++;
	}
}

/* An action has a group with a name and a command, and each such group is an action. */
static int tidy_actions(struct entry *e)
{
	_cleanup_strbuf_ struct strbuf all = { 0 };
	const char *value = entry_get(e, ENTRY_MAIN, "Actions");

	strbuf_add(&all, ";");
	for (const char *at = value ? value : ""; *at;) {
		_cleanup_strbuf_ struct strbuf group = { 0 };
		size_t len = strcspn(at, ";");

		strbuf_add(&group, ENTRY_ACTION "%.*s", (int)len, at);
		if (name_valid(at, len) && !in_list(strbuf_text(&all), at, len) &&
		    entry_get(e, strbuf_text(&group), "Exec") &&
		    entry_get(e, strbuf_text(&group), "Name"))
			strbuf_add(&all, "%.*s;", (int)len, at);
		at += len + (at[len] == ';');
	}
	if (strbuf_failed(&all))
		return -ENOMEM;
	for (size_t i = 0; i < e->n;) {
		const char *name = e->v[i].kind == ENTRY_GROUP ? e->v[i].key : "";
		size_t prefix = strlen(ENTRY_ACTION);

		if (!strncmp(name, ENTRY_ACTION, prefix) &&
		    !in_list(strbuf_text(&all), name + prefix, strlen(name + prefix)))
			entry_remove(e, i, entry_group_end(e, i) - i);
		else
			i++;
	}
	if (all.len > 1)
		return entry_set(e, ENTRY_MAIN, "Actions", strbuf_text(&all) + 1);
	entry_drop(e, ENTRY_MAIN, "Actions", false);
	return 0;
}

int entry_tidy(struct entry *e)
{
	/* GNOME knows this one by an older name, too, which old validators take */
	if (entry_is_true(e, ENTRY_MAIN, "SingleMainWindow") &&
	    entry_set(e, ENTRY_MAIN, "X-GNOME-SingleWindow", "true") < 0)
		return -ENOMEM;
	/* and this one has become a part of the standard */
	if (entry_is_true(e, ENTRY_MAIN, "X-KDE-RunOnDiscreteGpu") &&
	    entry_set(e, ENTRY_MAIN, "PrefersNonDefaultGPU", "true") < 0)
		return -ENOMEM;
	entry_drop(e, ENTRY_MAIN, "X-KDE-RunOnDiscreteGpu", false);
	tidy_groups(e);
	tidy_comments(e);
	if (tidy_keys(e) < 0 || tidy_actions(e) < 0 ||
	    tidy_list(e, ENTRY_MAIN, "Categories", category_known) < 0 ||
	    tidy_list(e, ENTRY_MAIN, "MimeType", mime_known) < 0)
		return -ENOMEM;
	return 0;
}
