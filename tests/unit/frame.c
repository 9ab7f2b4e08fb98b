/* cmd/sp-register/frame: where a message ends in a stream. */
#include "cmd/sp-register/frame.h"

#include <string.h>

#include "tests/unit/unit.h"

#define HEAD "OPTIONS sip:h SIP/2.0\r\n"
enum { MAX = 200 };

static void check_frames(struct unit *u)
{
	static const struct {
		const char *name, *data;
		enum frame frame;
		size_t len; /* 0: not looked at */
	} cases[] = {
		{"nothing", "", FRAME_MORE, 0},
		{"one line end", "\r\n", FRAME_MORE, 0},
		{"half of one", "\r", FRAME_MORE, 0},
		{"three quarters", "\r\n\r", FRAME_MORE, 0},
		{"a ping", "\r\n\r\n", FRAME_PING, 4},
		{"a ping and more", "\r\n\r\n\r\n" HEAD, FRAME_PING, 4},
		{"a line end in front", "\r\n" HEAD, FRAME_BLANK, 2},
		{"a bare LF", "\n" HEAD, FRAME_BAD, 0},
		{"a bare CR", "\rOPTIONS", FRAME_BAD, 0},
		{"part of a head", HEAD "l: 0\r\n", FRAME_MORE, 0},
		{"no body", HEAD "Content-Length: 0\r\n\r\n", FRAME_MESSAGE,
			44},
		{"compact", HEAD "l:0\r\n\r\n", FRAME_MESSAGE, 30},
		{"any case", HEAD "cONTENT-lENGTH: 0\r\n\r\n", FRAME_MESSAGE,
			44},
		{"white space", HEAD "l \t: \t 0 \t\r\n\r\n", FRAME_MESSAGE,
			37},
		{"not the last", HEAD "l: 0\r\nX: y\r\n\r\n", FRAME_MESSAGE,
			37},
		{"half a body", HEAD "l: 3\r\n\r\nab", FRAME_MORE, 0},
		{"a body", HEAD "l: 3\r\n\r\nabc", FRAME_MESSAGE, 34},
		{"and what is behind it", HEAD "l: 3\r\n\r\nabcdef",
			FRAME_MESSAGE, 34},
		{"a body like a head", HEAD "l: 4\r\n\r\n\r\n\r\n",
			FRAME_MESSAGE, 35},
		{"none", HEAD "X: y\r\n\r\n", FRAME_BAD, 0},
		{"two", HEAD "l: 3\r\nl: 3\r\n\r\nabc", FRAME_BAD, 0},
		{"both names", HEAD "l: 3\r\nContent-Length: 3\r\n\r\nabc",
			FRAME_BAD, 0},
		{"empty", HEAD "l:\r\n\r\n", FRAME_BAD, 0},
		{"folded", HEAD "l:\r\n 3\r\n\r\nabc", FRAME_BAD, 0},
		{"hidden in a fold", HEAD "X: y\r\n l: 3\r\n\r\n", FRAME_BAD,
			0},
		{"a sign", HEAD "l: +3\r\n\r\nabc", FRAME_BAD, 0},
		{"less than nothing", HEAD "l: -1\r\n\r\n", FRAME_BAD, 0},
		{"hex", HEAD "l: 0x3\r\n\r\nabc", FRAME_BAD, 0},
		{"a list", HEAD "l: 3, 3\r\n\r\nabc", FRAME_BAD, 0},
		{"2^32 + 3", HEAD "l: 4294967299\r\n\r\nabc", FRAME_BAD, 0},
		{"2^64 + 3", HEAD "l: 18446744073709551619\r\n\r\nabc",
			FRAME_BAD, 0},
		{"the largest", HEAD "l: 167\r\n\r\n", FRAME_MORE, 0},
		{"one too large", HEAD "l: 168\r\n\r\n", FRAME_BAD, 0},
		{"another field", HEAD "lx: 3\r\nL: 0\r\n\r\n", FRAME_MESSAGE,
			38},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t len = 0;

		unit_int(u,
			frame_next(cases[i].data, strlen(cases[i].data), MAX,
				&len),
			cases[i].frame, cases[i].name);
		if (cases[i].len != 0)
			unit_int(u, (int64_t)len, (int64_t)cases[i].len,
				"  its length");
	}
}

/* A message is the same however many bytes of it have come, and a NUL is a
 * byte as any other. */
static void check_pieces(struct unit *u)
{
	static const char WHOLE[] = HEAD "X: \0\r\nl: 5\r\n\r\na\0\r\nb";
	size_t size = sizeof WHOLE - 1, len = 0;
	int more = 0;

	for (size_t n = 0; n < size; n++)
		more += frame_next(WHOLE, n, MAX, &len) == FRAME_MORE;
	unit_int(u, more, (int64_t)size, "every piece wants more");
	unit_int(u, frame_next(WHOLE, size, MAX, &len), FRAME_MESSAGE,
		"the whole does not");
	unit_int(u, (int64_t)len, (int64_t)size, "  its length");
}

static void check_endless(struct unit *u)
{
	char data[MAX + 4];
	size_t len;

	memset(data, 'x', MAX);
	unit_int(u, frame_next(data, MAX - 1, MAX, &len), FRAME_MORE,
		"a head that may end yet");
	unit_int(u, frame_next(data, MAX, MAX, &len), FRAME_BAD,
		"one that cannot");
	memcpy(data + MAX, "\r\n\r\n", 4);
	unit_int(u, frame_next(data, MAX + 4, MAX, &len), FRAME_BAD,
		"one that ends too late");
}

int main(void)
{
	struct unit u = {0};

	check_frames(&u);
	check_pieces(&u);
	check_endless(&u);
	return unit_done(&u);
}
