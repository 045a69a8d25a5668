/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture/filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <pcap/pcap.h>
#include <sys/socket.h>

/* An instruction is the same to libpcap and to the kernel (bpf(4), linux/filter.h). */
_Static_assert(sizeof(struct bpf_insn) == sizeof(struct sock_filter), "one layout");

int filter_attach(int fd, const char *text, struct err *err)
{
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, FILTER_SNAPLEN);
	struct bpf_program program = { 0 };
	struct sock_fprog attach;
	int r = 0;

	if (!pcap)
		return err_errno(err, ENOMEM, "compile the filter");
	if (pcap_compile(pcap, &program, text, 1, PCAP_NETMASK_UNKNOWN) < 0) {
		err_set(err, EINVAL, "compile the filter '%s': %s", text, pcap_geterr(pcap));
		pcap_close(pcap);
		return err_hint(err, "pcap-filter(7) explains filters");
	}
	attach = (struct sock_fprog){ .len = (unsigned short)program.bf_len,
				      .filter = (struct sock_filter *)program.bf_insns };
	if (program.bf_len > BPF_MAXINSNS)
		r = err_set(err, E2BIG,
			    "attach the filter: it has %u instructions, and at most %u may be",
			    program.bf_len, (unsigned int)BPF_MAXINSNS);
	else if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &attach, sizeof(attach)) < 0)
		r = err_errno(err, errno, "attach the filter '%s'", text);
	pcap_freecode(&program);
	pcap_close(pcap);
	return r;
}
