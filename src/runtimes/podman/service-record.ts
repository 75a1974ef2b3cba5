/** The service that a home started for itself, as remembered between agents. */
import { z } from 'zod';

/** A service that this home started, as remembered in its state folder. */
export const serviceRecordSchema = z.object({
  bootId: z.string(),
  pid: z.number().int().positive(),
  startTicks: z.string(),
  socket: z.string(),
  /** A temporary folder that goes with the socket; null when it is in the home. */
  folder: z.string().nullable(),
});
export type ServiceRecord = z.infer<typeof serviceRecordSchema>;
