// What a Perfetto trace shows beside CPU rows and thread states: spikes with their causes, slow operations, interrupts, wake-ups,
// migrations, counters, what actors took, and arrows from there to the victims. Pure, any thread.
//
// A spike's causes have lengths, and no places within it: they are laid end to end from its beginning, the largest first, and each says so.
// Tracks: of each thread "stalls" and "slow operations" (spikes, with causes and "unexplained" within), "wake-ups", "migrations"; of each
// thread that took time from others "took from others"; "interrupts" has a row a CPU of what hit watched threads, "interrupt causes" a row
// an interrupt; processes have their counters; "hftmon" says what the recording is and what it lacks.
#ifndef HFTMON_CLIENT_EXPORT_PERFETTO_SLICES_H_
#define HFTMON_CLIENT_EXPORT_PERFETTO_SLICES_H_

#include "client/export/perfetto_packets.h"
#include "client/export/perfetto_tracks.h"
#include "client/recording/recording.h"

namespace hftmon {

inline constexpr char kStallsTrack[] = "stalls";
inline constexpr char kOperationsTrack[] = "slow operations";
inline constexpr char kTookTrack[] = "took from others";
inline constexpr char kInterruptsTrack[] = "interrupts";
inline constexpr char kInterruptCausesTrack[] = "interrupt causes";
inline constexpr char kWakeUpsTrack[] = "wake-ups";
inline constexpr char kMigrationsTrack[] = "migrations";
inline constexpr char kAboutTrack[] = "hftmon";

void WriteSlices(const Recording& recording, PerfettoTracks* tracks, PerfettoPackets* packets);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_EXPORT_PERFETTO_SLICES_H_
