/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/window/graph.h"

#include <adwaita.h>
#include <glib/gi18n.h>

#include "tray/common/words.h"
#include "tray/window/ui.h"

#define FULL_AT_LEAST 10000.0 /* bytes a second: less does not fill the height */
#define GRAPH_HEIGHT  170
#define ROW_WIDTH     110
#define ROW_HEIGHT    36

struct graph {
	struct tray_rates rates;
	gboolean axes;
};

/* The colours of lines and of text, for either ground: 4.5:1 and more (WCAG 2.1, 1.4.3). */
struct colours {
	GdkRGBA received, sent, text, grid;
};

static const struct colours light = {
	.received = { 0.10F, 0.40F, 0.77F, 1 },
	.sent = { 0.63F, 0.27F, 0, 1 },
	.text = { 0.27F, 0.27F, 0.27F, 1 },
	.grid = { 0, 0, 0, 0.15F },
};
static const struct colours dark = {
	.received = { 0.47F, 0.68F, 0.93F, 1 },
	.sent = { 1, 0.64F, 0.28F, 1 },
	.text = { 0.85F, 0.85F, 0.85F, 1 },
	.grid = { 1, 1, 1, 0.2F },
};

/* Where the lines are drawn. */
struct area {
	double x, y, width, height, most;
};

static double highest(const struct tray_rates *r)
{
	double most = FULL_AT_LEAST;

	for (size_t i = 0; i < r->n; i++)
		most = MAX(most, MAX(r->rx[i], r->tx[i]));
	return most;
}

/* The next 1, 2 or 5 with zeros behind it, so that the axis has numbers that can be read. */
static double round_up(double most)
{
	double step = 1;

	while (step * 10 < most)
		step *= 10;
	if (step >= most)
		return step;
	return step * 2 >= most ? step * 2 : step * 5 >= most ? step * 5 : step * 10;
}

/* The newest is at the right, one step for each rate. */
static void trace(cairo_t *cr, const struct area *a, const double *v, size_t n)
{
	double step = a->width / (TRAY_HISTORY - 1);

	cairo_new_path(cr); /* not from where a text ended */
	for (size_t i = 0; i < n; i++)
		cairo_line_to(cr, a->x + a->width - (double)(n - 1 - i) * step,
			      a->y + a->height - v[i] / a->most * a->height);
}

static void draw_lines(cairo_t *cr, const struct area *a, const struct tray_rates *r,
		       const struct colours *c)
{
	static const double dashes[] = { 4, 2 };

	if (!r->n)
		return;
	trace(cr, a, r->rx, r->n);
	cairo_line_to(cr, a->x + a->width, a->y + a->height);
	cairo_line_to(cr, a->x + a->width - (double)(r->n - 1) * a->width / (TRAY_HISTORY - 1),
		      a->y + a->height);
	cairo_close_path(cr);
	cairo_set_source_rgba(cr, c->received.red, c->received.green, c->received.blue, 0.25);
	cairo_fill(cr);
	cairo_set_line_width(cr, 1.5);
	cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
	trace(cr, a, r->rx, r->n);
	gdk_cairo_set_source_rgba(cr, &c->received);
	cairo_stroke(cr);
	cairo_set_dash(cr, dashes, 2, 0);
	trace(cr, a, r->tx, r->n);
	gdk_cairo_set_source_rgba(cr, &c->sent);
	cairo_stroke(cr);
	cairo_set_dash(cr, NULL, 0, 0);
}

/* --- axes ---------------------------------------------------------------------------------- */

/* At (x, y): align 0 begins there, .5 has its middle there, 1 ends there. Returns its width. */
static int put_text(GtkWidget *graph, cairo_t *cr, const char *text, double x, double y,
		    double align)
{
	g_autoptr(PangoLayout) layout = gtk_widget_create_pango_layout(graph, text);
	PangoAttrList *small = pango_attr_list_new();
	int width, height;

	pango_attr_list_insert(small, pango_attr_scale_new(0.85));
	pango_layout_set_attributes(layout, small);
	pango_attr_list_unref(small);
	pango_layout_get_pixel_size(layout, &width, &height);
	cairo_move_to(cr, x - width * align, y - height / 2.0);
	pango_cairo_show_layout(cr, layout);
	return width;
}

static int text_width(GtkWidget *graph, const char *text)
{
	g_autoptr(PangoLayout) layout = gtk_widget_create_pango_layout(graph, text);
	int width;

	pango_layout_get_pixel_size(layout, &width, NULL);
	return width;
}

static void draw_legend(GtkWidget *graph, cairo_t *cr, const struct area *a,
			const struct colours *c)
{
	const char *const texts[] = { _("Received"), _("Sent") };
	const GdkRGBA *const colours[] = { &c->received, &c->sent };
	static const double dashes[] = { 4, 2 };
	double x = a->x;

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		gdk_cairo_set_source_rgba(cr, colours[i]);
		cairo_set_line_width(cr, 2);
		cairo_set_dash(cr, dashes, i ? 2 : 0, 0);
		cairo_move_to(cr, x, 10);
		cairo_line_to(cr, x + 18, 10);
		cairo_stroke(cr);
		cairo_set_dash(cr, NULL, 0, 0);
		gdk_cairo_set_source_rgba(cr, &c->text);
		x += 24 + put_text(graph, cr, texts[i], x + 24, 10, 0) + 18;
	}
}

static void draw_axes(GtkWidget *graph, cairo_t *cr, const struct area *a, const struct colours *c)
{
	/* TRANSLATORS: below a graph, how long ago */
	const char *const times[] = { _("60 s ago"), _("30 s ago"), _("now") };

	for (int i = 0; i <= 2; i++) {
		g_autofree char *rate = words_rate(a->most * i / 2);
		double y = a->y + a->height - a->height * i / 2;

		gdk_cairo_set_source_rgba(cr, &c->grid);
		cairo_rectangle(cr, a->x, (int)y, a->width, 1);
		cairo_fill(cr);
		gdk_cairo_set_source_rgba(cr, &c->text);
		put_text(graph, cr, rate, a->x - 8, y, 1);
		put_text(graph, cr, times[i], a->x + a->width * i / 2, a->y + a->height + 12,
			 i / 2.0);
	}
	draw_legend(graph, cr, a, c);
}

static void on_draw(GtkDrawingArea *widget, cairo_t *cr, int width, int height, void *data)
{
	const struct graph *g = data;
	GtkWidget *graph = GTK_WIDGET(widget);
	gboolean is_dark = adw_style_manager_get_dark(adw_style_manager_get_default());
	const struct colours *c = is_dark ? &dark : &light;
	struct area a = { 0, 1, width, height - 2, highest(&g->rates) };

	if (g->axes) {
		g_autofree char *widest = NULL;

		a.most = round_up(a.most);
		widest = words_rate(a.most / 2);
		a.x = MAX(text_width(graph, widest), 64) + 8;
		a.y = 26;
		a.width = width - a.x - 4;
		a.height = height - 26 - 24;
		draw_axes(graph, cr, &a, c);
	} else {
		gdk_cairo_set_source_rgba(cr, &c->grid);
		cairo_rectangle(cr, 0, height - 1, width, 1);
		cairo_fill(cr);
	}
	draw_lines(cr, &a, &g->rates, c);
}

GtkWidget *graph_new(const char *name, gboolean axes)
{
	GtkWidget *graph = g_object_new(GTK_TYPE_DRAWING_AREA, "accessible-role",
					GTK_ACCESSIBLE_ROLE_IMG, NULL);
	struct graph *g = g_new0(struct graph, 1);

	g->axes = axes;
	g_object_set_data_full(G_OBJECT(graph), "graph", g, g_free);
	gtk_widget_set_size_request(graph, axes ? -1 : ROW_WIDTH, axes ? GRAPH_HEIGHT : ROW_HEIGHT);
	gtk_widget_set_valign(graph, GTK_ALIGN_CENTER);
	gtk_widget_set_hexpand(graph, axes);
	gtk_drawing_area_set_draw_func(GTK_DRAWING_AREA(graph), on_draw, g, NULL);
	g_signal_connect_object(adw_style_manager_get_default(), "notify::dark",
				G_CALLBACK(gtk_widget_queue_draw), graph, G_CONNECT_SWAPPED);
	ui_name(graph, name);
	return graph;
}

static gboolean same_rates(const struct tray_rates *a, const struct tray_rates *b)
{
	if (a->n != b->n)
		return FALSE;
	for (size_t i = 0; i < a->n; i++)
		if (a->rx[i] != b->rx[i] || a->tx[i] != b->tx[i])
			return FALSE;
	return TRUE;
}

void graph_set(GtkWidget *graph, const struct tray_rates *rates)
{
	struct graph *g = g_object_get_data(G_OBJECT(graph), "graph");
	g_autofree char *in = NULL, *out = NULL, *text = NULL;

	if (same_rates(&g->rates, rates))
		return;
	g->rates = *rates;
	gtk_widget_queue_draw(graph);
	if (!rates->n)
		return;
	in = words_rate(rates->rx[rates->n - 1]);
	out = words_rate(rates->tx[rates->n - 1]);
	/* TRANSLATORS: read out for a graph: two amounts a second */
	text = g_strdup_printf(_("Now %s received, %s sent"), in, out);
	ui_describe(graph, text);
}
