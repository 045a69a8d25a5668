/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is registered of the words in an entry's lists. */
#include <ctype.h>
#include <string.h>

#include "desktop/copy.h"

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

bool category_registered(const char *word)
{
	size_t len = strlen(word);

	return (len > 2 && !strncmp(word, "X-", 2)) || in_list(registered_categories, word, len);
}

/* "TYPE/SUBTYPE", as far as old validators look. */
bool media_type_valid(const char *word)
{
	size_t len = strlen(word);
	const char *slash = memchr(word, '/', len);
	size_t type = slash ? (size_t)(slash - word) : 0;

	if (!type || type + 1 == len || memchr(slash + 1, '/', len - type - 1))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)word[i]) && !strchr("!#$&.+-^_/", word[i]))
			return false;
	return in_list(registered_media, word, type);
}
