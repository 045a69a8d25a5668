/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DESKTOP_WINDOW_CLASS_H
#define VIA_DESKTOP_WINDOW_CLASS_H

#include <stddef.h>

#define WINDOW_CLASS_WORDS 2

/*
 * The words by which the program of a command line gives its windows another WM_CLASS
 * (ICCCM 4.1.2.5) or xdg_toplevel app id, so that a panel finds the entry with that StartupWMClass.
 * Returns how many there are; 0: the program has no such option, as far as is known, or its line
 * has one already. The words are the caller's, by g_free(). Pure.
 */
size_t window_class_words(char *const argv[], const char *class, char *ret[WINDOW_CLASS_WORDS]);

#endif
