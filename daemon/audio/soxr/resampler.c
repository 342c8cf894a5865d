// What daemon/audio/resample.ts calls: one mono float32 stream through libsoxr at its quality HQ.
#include <stdlib.h>
#include <time.h>
#include "soxr.h"

#define EXPORT(name) __attribute__((export_name(#name)))

// libsoxr asks for overrides of its settings and for a seed; there is neither environment nor clock here.
char *getenv(const char *name) {
  (void)name;
  return NULL;
}
time_t time(time_t *seconds) {
  (void)seconds;
  return 0;
}

// NULL where the rates are impossible or memory is short.
EXPORT(create) soxr_t create(double input_rate, double output_rate) {
  soxr_error_t error;
  soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
  return soxr_create(input_rate, output_rate, 1, &error, NULL, &quality, NULL);
}

static size_t consumed;

// Samples written to output, at most capacity; -1 on an error. input NULL: the end of the stream, to be
// repeated until nothing comes any more. How many samples of input were used is what used() tells.
EXPORT(process) int process(soxr_t stream, const float *input, size_t count, float *output, size_t capacity) {
  size_t produced = 0;
  consumed = 0;
  return soxr_process(stream, input, count, &consumed, output, capacity, &produced) ? -1 : (int)produced;
}
EXPORT(used) size_t used(void) { return consumed; }

EXPORT(allocate) void *allocate(size_t bytes) { return malloc(bytes); }
EXPORT(release) void release(void *memory) { free(memory); }
EXPORT(destroy) void destroy(soxr_t stream) { soxr_delete(stream); }
