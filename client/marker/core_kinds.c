#include "client/marker/core_kinds.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICES "/sys/bus/event_source/devices"
#define PATH_BYTES 512u

static bool read_kind(const struct hftmon_counters_host* host, const char* name, struct hftmon_core_kind* out) {
  if (strlen(name) >= sizeof(out->name)) return false;
  char path[PATH_BYTES];
  snprintf(path, sizeof(path), DEVICES "/%s/cpus", name);
  if (hftmon_host_read_file(host, path, out->cpus) != 0) return false;
  snprintf(path, sizeof(path), DEVICES "/%s/type", name);
  const int type = hftmon_host_read_number(host, path, -1);
  if (type < 0) return false;
  out->type = (uint32_t)type;
  memcpy(out->name, name, strlen(name) + 1);
  return true;
}

void hftmon_core_kinds_read(const struct hftmon_counters_host* host, struct hftmon_core_kinds* out) {
  out->count = 0;
  char path[PATH_BYTES];
  snprintf(path, sizeof(path), "%s" DEVICES, host->root);
  DIR* const folder = opendir(path);
  if (folder == NULL) return;
  for (const struct dirent* entry = readdir(folder); entry != NULL && out->count < HFTMON_CORE_KINDS_MAX; entry = readdir(folder)) {
    if (entry->d_name[0] != '.' && read_kind(host, entry->d_name, &out->kinds[out->count])) ++out->count;
  }
  closedir(folder);
}

/* Whether the kernel's list ("0-7,16") has the CPU. */
static bool lists(const char* cpus, unsigned long cpu) {
  while (*cpus != '\0') {
    char* end = NULL;
    const unsigned long first = strtoul(cpus, &end, 10);
    if (end == cpus) return false;
    unsigned long last = first;
    if (*end == '-') {
      cpus = end + 1;
      last = strtoul(cpus, &end, 10);
      if (end == cpus) return false;
    }
    if (cpu >= first && cpu <= last) return true;
    cpus = *end == ',' ? end + 1 : end;
    if (*end != ',' && *end != '\0') return false;
  }
  return false;
}

static bool has_all(const struct hftmon_core_kind* kind, const cpu_set_t* allowed) {
  for (unsigned long cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, allowed) && !lists(kind->cpus, cpu)) return false;
  }
  return true;
}

const struct hftmon_core_kind* hftmon_core_kind_of_thread(const struct hftmon_counters_host* host, const struct hftmon_core_kinds* kinds) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (host->allowed_cpus(host->context, &allowed) != 0 || CPU_COUNT(&allowed) == 0) return NULL;
  for (uint32_t i = 0; i < kinds->count; ++i) {
    if (has_all(&kinds->kinds[i], &allowed)) return &kinds->kinds[i];
  }
  return NULL;
}
