/** The environment variable that names the folder of files to the servers that serve it by files-app.ts. */
export const FILES_VARIABLE = 'PACELINE_BENCH_FILES';
