-- Nobody asks the log by time, nor statuses by revision: what each write of a status paid for these is saved.

drop index change_log_at;
drop index status_revision;
