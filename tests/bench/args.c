/* Options of the load generators: see args.h. */
#include "tests/bench/args.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

void args_print(const char *usage, const struct option_row *row, size_t n)
{
	fputs(usage, stderr);
	for (size_t i = 0; i < n; i++)
		fprintf(stderr, "  --%-16s %-13s %s\n", row[i].name,
			row[i].arg ? row[i].arg : "", row[i].help);
}

static int store_number(const struct option_row *row, const char *s)
{
	char *end;
	double v = strtod(s, &end);

	if (end == s || *end || !(v >= 0 && v <= 4e9))
		return -1;
	if (row->real)
		*row->real = v;
	else
		*row->count = (uint32_t)v;
	return 0;
}

int args_parse(int argc, char **argv, const struct option_row *row, size_t n)
{
	struct option longopts[ARGS_MAX] = {0};
	int i;

	for (i = 0; (size_t)i < n; i++)
		longopts[i] = (struct option){row[i].name,
			row[i].arg ? required_argument : no_argument, NULL, i};
	while ((i = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
		if (i == '?')
			return -1;
		if (row[i].flag)
			*row[i].flag = true;
		else if (row[i].text)
			*row[i].text = optarg;
		else if (store_number(&row[i], optarg))
			return -1;
	}
	return optind == argc ? 0 : -1;
}

int args_target(const char *s, struct sockaddr_in *target)
{
	char host[16];
	unsigned short port;

	if (!s || sscanf(s, "%15[0-9.]:%hu", host, &port) != 2)
		return -1;
	target->sin_family = AF_INET;
	target->sin_port = htons(port);
	if (inet_pton(AF_INET, host, &target->sin_addr) != 1 ||
		ntohl(target->sin_addr.s_addr) >> 24 != 127)
		return -1;
	return 0;
}
