#include "client/marker/profile_json.h"

#include <inttypes.h>

void hftmon_json_string(const char* text, FILE* file) {
  fputc('"', file);
  for (; *text != '\0'; ++text) {
    const unsigned char byte = (unsigned char)*text;
    if (byte < 0x20) {
      fprintf(file, "\\u%04x", byte);
      continue;
    }
    if (byte == '"' || byte == '\\') fputc('\\', file);
    fputc(byte, file);
  }
  fputc('"', file);
}

void hftmon_json_decimal(const char* key, double value, FILE* file) {
  const double thousandths = value * 1000 + 0.5;
  const uint64_t whole = thousandths < 0x1p63 ? (uint64_t)thousandths : UINT64_MAX / 2;
  fprintf(file, ", \"%s\": %" PRIu64 ".%03" PRIu64, key, whole / 1000, whole % 1000);
}
