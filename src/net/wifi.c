/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/wifi.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/nl80211.h>
#include <string.h>

#include "base/text.h"
#include "net/attr.h"

void wifi_get_family(struct nl_msg *m)
{
	struct genlmsghdr *genl = nl_msg_start(m, GENL_ID_CTRL, 0, sizeof(*genl));

	genl->cmd = CTRL_CMD_GETFAMILY;
	genl->version = 1;
	nl_put_str(m, CTRL_ATTR_FAMILY_NAME, NL80211_GENL_NAME);
}

uint16_t wifi_decode_family(const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[CTRL_ATTR_FAMILY_ID + 1];

	if (nlh->nlmsg_type != GENL_ID_CTRL || too_short(nlh, sizeof(struct genlmsghdr)))
		return 0;
	attrs_of(nlh, sizeof(struct genlmsghdr), tb, CTRL_ATTR_FAMILY_ID);
	return u16_of(tb[CTRL_ATTR_FAMILY_ID], 0);
}

void wifi_dump_interfaces(struct nl_msg *m, uint16_t family)
{
	struct genlmsghdr *genl = nl_msg_start(m, family, 0, sizeof(*genl));

	genl->cmd = NL80211_CMD_GET_INTERFACE;
}

void wifi_dump_scan(struct nl_msg *m, uint16_t family, int index)
{
	struct genlmsghdr *genl = nl_msg_start(m, family, 0, sizeof(*genl));

	genl->cmd = NL80211_CMD_GET_SCAN;
	nl_put_u32(m, NL80211_ATTR_IFINDEX, (uint32_t)index);
}

/* "" for one that is too long or not printable UTF-8; mac: still names the card. */
static void take_ssid(const uint8_t *bytes, size_t len, char ssid[33])
{
	if (len > 32 || memchr(bytes, 0, len))
		return;
	memcpy(ssid, bytes, len);
	ssid[len] = 0;
	if (!text_printable(ssid))
		ssid[0] = 0;
}

int wifi_decode_interface(const struct nlmsghdr *nlh, int *ret_index, char ssid[33])
{
	const struct nlattr *tb[NL80211_ATTR_SSID + 1], *name;

	ssid[0] = 0;
	if (too_short(nlh, sizeof(struct genlmsghdr)))
		return -EBADMSG;
	attrs_of(nlh, sizeof(struct genlmsghdr), tb, NL80211_ATTR_SSID);
	name = tb[NL80211_ATTR_SSID];
	if (name)
		take_ssid(mnl_attr_get_payload(name), mnl_attr_get_payload_len(name), ssid);
	*ret_index = (int)u32_of(tb[NL80211_ATTR_IFINDEX], 0);
	return *ret_index > 0 && ssid[0];
}

/* Elements of a beacon or an answer to a probe: a number, a length, and as many bytes. */
static void take_elements(const struct nlattr *elements, char ssid[33])
{
	const uint8_t *at = elements ? mnl_attr_get_payload(elements) : NULL;
	size_t len = elements ? mnl_attr_get_payload_len(elements) : 0;

	while (len >= 2 && at[1] <= len - 2) {
		if (at[0] == 0) { /* the SSID (IEEE 802.11, 9.4.2.2) */
			take_ssid(at + 2, at[1], ssid);
			return;
		}
		len -= 2 + (size_t)at[1];
		at += 2 + at[1];
	}
}

int wifi_decode_scan(const struct nlmsghdr *nlh, int *ret_index, char ssid[33])
{
	const struct nlattr *tb[NL80211_ATTR_BSS + 1], *bss[NL80211_BSS_MAX + 1];

	ssid[0] = 0;
	if (too_short(nlh, sizeof(struct genlmsghdr)))
		return -EBADMSG;
	attrs_of(nlh, sizeof(struct genlmsghdr), tb, NL80211_ATTR_BSS);
	attrs_in(tb[NL80211_ATTR_BSS], bss, NL80211_BSS_MAX);
	take_elements(bss[NL80211_BSS_INFORMATION_ELEMENTS], ssid);
	*ret_index = (int)u32_of(tb[NL80211_ATTR_IFINDEX], 0);
	return *ret_index > 0 && ssid[0] &&
	       u32_of(bss[NL80211_BSS_STATUS], UINT32_MAX) == NL80211_BSS_STATUS_ASSOCIATED;
}

static int take_family(const struct nlmsghdr *nlh, void *arg)
{
	*(uint16_t *)arg = wifi_decode_family(nlh);
	return 0;
}

static void note(struct facts *f, int index, const char ssid[33])
{
	for (size_t i = 0; i < f->links.n; i++)
		if (f->links.v[i].index == index)
			memcpy(f->links.v[i].ssid, ssid, 33);
}

static int take_interface(const struct nlmsghdr *nlh, void *arg)
{
	char ssid[33];
	int index;

	if (wifi_decode_interface(nlh, &index, ssid) > 0)
		note(arg, index, ssid);
	return 0;
}

static int take_network(const struct nlmsghdr *nlh, void *arg)
{
	char ssid[33];
	int index;

	if (wifi_decode_scan(nlh, &index, ssid) > 0)
		note(arg, index, ssid);
	return 0;
}

static void start_anew(void *arg)
{
	(void)arg; /* an interface that is reported again is filled in again */
}

/* A card whose network cannot be read does not fail the observation of the host. */
static void dump_networks(struct nl_sock *s, uint16_t family, struct facts *f)
{
	for (size_t i = 0; i < f->links.n; i++) {
		const struct fact_link *l = &f->links.v[i];
		struct err ignored = { 0 };
		struct nl_msg m;

		if (l->medium != MEDIUM_WIFI || l->ssid[0] || !(l->flags & LINK_LOWER_UP))
			continue;
		wifi_dump_scan(&m, family, l->index);
		nl_dump(s, &m, take_network, start_anew, f, &ignored);
	}
}

int wifi_observe(struct facts *f, struct err *err)
{
	struct nl_sock s = { 0 };
	uint16_t family = 0;
	struct nl_msg m;
	int r = nl_open(&s, NETLINK_GENERIC, err);

	if (r < 0)
		return r == -EPROTONOSUPPORT ? 0 : r;
	wifi_get_family(&m);
	r = nl_get(&s, &m, take_family, &family, err);
	if (r == 0 && family) {
		wifi_dump_interfaces(&m, family);
		r = nl_dump(&s, &m, take_interface, start_anew, f, err);
		if (r == 0)
			dump_networks(&s, family, f);
	}
	nl_close(&s);
	return r == -ENOENT || r == -EOPNOTSUPP || r == -EPERM ? 0 : r;
}
