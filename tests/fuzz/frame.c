/* Where messages end in a stream. */
#include "cmd/sp-register/frame.h"
#include "cmd/sp-register/sipmsg.h"
#include "tests/fuzz/fuzz.h"

enum { MAX = 512 }; /* a limit that a fuzzer reaches */

/* In a block that ends where the data does. */
static enum frame frame_of(const uint8_t *data, size_t size, size_t *len)
{
	char *copy = fuzz_bytes(data, size);
	enum frame frame = frame_next(copy, size, MAX, len);

	free(copy);
	return frame;
}

/* However the bytes come in, the outcome is one: until it can be told, more is
 * asked for, and what comes later changes nothing. */
static void check_pieces(const uint8_t *data, size_t size, enum frame frame,
	size_t len)
{
	bool is_decided = false;

	for (size_t part = 0; part < size; part++) {
		size_t part_len = 0;
		enum frame early = frame_of(data, part, &part_len);

		if (early == FRAME_MORE) {
			FUZZ_CHECK(!is_decided);
			continue;
		}
		is_decided = true;
		FUZZ_CHECK(early == frame);
		FUZZ_CHECK(frame == FRAME_BAD || part_len == len);
	}
}

/* The scanner sees it end at the same place. */
static void check_message(const uint8_t *data, size_t len)
{
	char *copy = fuzz_bytes(data, len);
	struct sip_message m;
	const char *why;

	if (sipmsg_scan(copy, len, &m, &why) == SIP_SCANNED)
		FUZZ_CHECK(m.body.at + m.body.len == copy + len);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len = 0;

	if (size > 2 * MAX)
		return 0;
	for (;;) {
		enum frame frame = frame_of(data, size, &len);

		check_pieces(data, size, frame, len);
		if (frame == FRAME_MORE || frame == FRAME_BAD)
			return 0;
		FUZZ_CHECK(len > 0 && len <= size && len <= MAX);
		if (frame == FRAME_PING)
			FUZZ_CHECK(len == 4);
		if (frame == FRAME_MESSAGE)
			check_message(data, len);
		data += len;
		size -= len;
	}
}
