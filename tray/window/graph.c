/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/window/graph.h"

#define FULL_AT_LEAST 10000.0 /* bytes a second: less does not fill the height */

static double highest(const struct tray_rates *r)
{
	double most = FULL_AT_LEAST;

	for (size_t i = 0; i < r->n; i++)
		most = MAX(most, MAX(r->rx[i], r->tx[i]));
	return most;
}

/* The newest is at the right, one step for each rate. */
static void trace(cairo_t *cr, const double *v, size_t n, double width, double height, double most)
{
	double step = width / (TRAY_HISTORY - 1);

	for (size_t i = 0; i < n; i++)
		cairo_line_to(cr, width - (double)(n - 1 - i) * step,
			      height - v[i] / most * height);
}

static void colour(GtkWidget *graph, const char *name, GdkRGBA *ret)
{
	GtkStyleContext *style = gtk_widget_get_style_context(graph);

	if (!gtk_style_context_lookup_color(style, name, ret))
		gtk_style_context_get_color(style, gtk_style_context_get_state(style), ret);
}

static gboolean on_draw(GtkWidget *graph, cairo_t *cr, void *data)
{
	const struct tray_rates *r = g_object_get_data(G_OBJECT(graph), "rates");
	double width = gtk_widget_get_allocated_width(graph);
	double height = gtk_widget_get_allocated_height(graph) - 2;
	GdkRGBA in, out, ground;

	(void)data;
	colour(graph, "theme_selected_bg_color", &in);
	colour(graph, "warning_color", &out);
	colour(graph, "theme_fg_color", &ground);
	cairo_translate(cr, 0, 1);
	cairo_set_source_rgba(cr, ground.red, ground.green, ground.blue, 0.15);
	cairo_rectangle(cr, 0, height, width, 1);
	cairo_fill(cr);
	if (!r->n)
		return FALSE;
	trace(cr, r->rx, r->n, width, height, highest(r));
	cairo_line_to(cr, width, height);
	cairo_line_to(cr, width - (double)(r->n - 1) * width / (TRAY_HISTORY - 1), height);
	cairo_close_path(cr);
	cairo_set_source_rgba(cr, in.red, in.green, in.blue, 0.25);
	cairo_fill(cr);
	cairo_set_line_width(cr, 1.5);
	cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
	trace(cr, r->rx, r->n, width, height, highest(r));
	gdk_cairo_set_source_rgba(cr, &in);
	cairo_stroke(cr);
	trace(cr, r->tx, r->n, width, height, highest(r));
	gdk_cairo_set_source_rgba(cr, &out);
	cairo_stroke(cr);
	return FALSE;
}

GtkWidget *graph_new(void)
{
	GtkWidget *graph = gtk_drawing_area_new();

	g_object_set_data_full(G_OBJECT(graph), "rates", g_new0(struct tray_rates, 1), g_free);
	gtk_widget_set_size_request(graph, 150, 40);
	g_signal_connect(graph, "draw", G_CALLBACK(on_draw), NULL);
	return graph;
}

void graph_set(GtkWidget *graph, const struct tray_rates *rates)
{
	*(struct tray_rates *)g_object_get_data(G_OBJECT(graph), "rates") = *rates;
	gtk_widget_queue_draw(graph);
}
