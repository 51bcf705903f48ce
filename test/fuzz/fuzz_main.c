/* The entry of a fuzzer whose body, FUZZ_ONE, is shared with a test of its corpus. */
#include <stddef.h>
#include <stdint.h>

int FUZZ_ONE(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return FUZZ_ONE(data, size); }
