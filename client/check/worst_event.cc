#include "client/check/worst_event.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/duration.h"

namespace hftmon {

std::vector<const v1::Spike*> SpikesOf(const CheckInputs& inputs, const CheckScope& scope, const std::set<std::string>& kinds) {
  std::vector<const v1::Spike*> found;
  if (!inputs.spikes.ok()) return found;
  for (const v1::Spike& spike : inputs.spikes->spikes()) {
    if (!kinds.contains(spike.kind()) || !scope.Covers(spike.thread().tid(), spike.cpu())) continue;
    if (!spike.in_progress() && spike.start_monotonic_ns() + spike.duration_ns() <= inputs.begin_ns) continue;
    found.push_back(&spike);
  }
  return found;
}

bool SpikesAreWhole(const CheckInputs& inputs) {
  return inputs.spikes.ok() && !inputs.spikes->incomplete() && !inputs.spikes->older_left_out() && inputs.spikes->lost_records() == 0 &&
         inputs.spikes->has_floor_ns();
}

std::string ActorText(const v1::Actor& actor) {
  if (actor.tid() > 0) return fmt::format("{} ({})", actor.comm(), actor.tid());
  if (actor.irq() > 0 && !actor.name().empty()) return fmt::format("{} (irq {})", actor.name(), actor.irq());
  return actor.name().empty() ? actor.comm() : actor.name();
}

CheckEvent EventOf(const v1::Spike& spike) {
  CheckEvent event;
  event.start_ns = spike.start_monotonic_ns();
  event.duration_ns = spike.duration_ns();
  event.tid = spike.thread().tid();
  event.comm = spike.thread().comm();
  event.cpu = spike.cpu();
  event.spike_id = spike.id();
  event.cause = spike.kind();
  if (spike.has_call() && spike.kind() == "blocked") {
    event.actor = spike.call().name();
    if (!spike.call().file().empty()) event.actor += " " + spike.call().file();
    return event;
  }
  if (spike.causes().empty()) return event;
  const v1::Cause& first = spike.causes(0);
  event.cause = first.kind();
  if (first.has_actor()) event.actor = ActorText(first.actor());
  return event;
}

void SetWorstEvent(const std::vector<const v1::Spike*>& spikes, const CheckInputs& inputs, ModuleResult* result) {
  const auto longest = std::max_element(spikes.begin(), spikes.end(),
                                        [](const v1::Spike* a, const v1::Spike* b) { return a->duration_ns() < b->duration_ns(); });
  if (longest != spikes.end()) {
    result->worst = EventOf(**longest);
  } else if (!inputs.spikes.ok()) {
    result->worst_reason = WhyNot(inputs.spikes.status());
  } else if (inputs.spikes->has_floor_ns()) {
    result->worst_reason = "none was longer than " + FormatDuration(inputs.spikes->floor_ns());
  } else {
    result->worst_reason = "single events were not recorded in a part of the time";
  }
}

}  // namespace hftmon
