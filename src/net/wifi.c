/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/wifi.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/nl80211.h>
#include <string.h>

#include "base/parse.h"

void wifi_get_family(struct nl_msg *m)
{
	struct genlmsghdr *genl = nl_msg_start(m, GENL_ID_CTRL, 0, sizeof(*genl));

	genl->cmd = CTRL_CMD_GETFAMILY;
	genl->version = 1;
	nl_put_str(m, CTRL_ATTR_FAMILY_NAME, NL80211_GENL_NAME);
}

static int find_family(const struct nlattr *attr, void *arg)
{
	if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
	    mnl_attr_validate(attr, MNL_TYPE_U16) == 0)
		*(uint16_t *)arg = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

uint16_t wifi_decode_family(const struct nlmsghdr *nlh)
{
	uint16_t family = 0;

	if (nlh->nlmsg_type == GENL_ID_CTRL &&
	    mnl_nlmsg_get_payload_len(nlh) >= sizeof(struct genlmsghdr))
		mnl_attr_parse(nlh, sizeof(struct genlmsghdr), find_family, &family);
	return family;
}

void wifi_dump_interfaces(struct nl_msg *m, uint16_t family)
{
	struct genlmsghdr *genl = nl_msg_start(m, family, 0, sizeof(*genl));

	genl->cmd = NL80211_CMD_GET_INTERFACE;
}

struct interface {
	int index;
	char *ssid;
};

static int take_attr(const struct nlattr *attr, void *arg)
{
	struct interface *i = arg;
	size_t len = mnl_attr_get_payload_len(attr);

	if (mnl_attr_get_type(attr) == NL80211_ATTR_IFINDEX &&
	    mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
		i->index = (int)mnl_attr_get_u32(attr);
	if (mnl_attr_get_type(attr) == NL80211_ATTR_SSID && len <= 32 &&
	    !memchr(mnl_attr_get_payload(attr), 0, len)) {
		memcpy(i->ssid, mnl_attr_get_payload(attr), len);
		i->ssid[len] = 0;
	}
	return MNL_CB_OK;
}

int wifi_decode_interface(const struct nlmsghdr *nlh, int *ret_index, char ssid[33])
{
	struct interface i = { .ssid = ssid };

	ssid[0] = 0;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct genlmsghdr))
		return -EBADMSG;
	mnl_attr_parse(nlh, sizeof(struct genlmsghdr), take_attr, &i);
	*ret_index = i.index;
	if (!text_printable(ssid))
		ssid[0] = 0; /* somebody's trick on our terminal; there is still mac: */
	return i.index > 0 && ssid[0];
}

static int take_family(const struct nlmsghdr *nlh, void *arg)
{
	*(uint16_t *)arg = wifi_decode_family(nlh);
	return 0;
}

static int take_interface(const struct nlmsghdr *nlh, void *arg)
{
	struct facts *f = arg;
	char ssid[33];
	int index;

	if (wifi_decode_interface(nlh, &index, ssid) <= 0)
		return 0;
	for (size_t i = 0; i < f->links.n; i++)
		if (f->links.v[i].index == index)
			memcpy(f->links.v[i].ssid, ssid, sizeof(ssid));
	return 0;
}

static void start_anew(void *arg)
{
	(void)arg; /* what is told again is filled in again */
}

int wifi_look(struct facts *f, struct err *err)
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
	}
	nl_close(&s);
	return r == -ENOENT || r == -EOPNOTSUPP || r == -EPERM ? 0 : r;
}
