import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { Controller, Get, Post, StreamableFile, UploadedFile, UseInterceptors } from '@nestjs/common';
import { FileInterceptor } from '@nestjs/platform-express';

interface Uploaded {
  originalname: string;
  size: number;
  buffer: Buffer;
}

@Controller('files')
export class FilesController {
  @Get()
  download(): StreamableFile {
    const lines = Readable.from(Array.from({ length: 10_000 }, (_, index) => `${index}\n`));
    return new StreamableFile(lines, { type: 'text/plain', disposition: 'attachment; filename="lines.txt"' });
  }

  @Post()
  @UseInterceptors(FileInterceptor('file'))
  upload(@UploadedFile() { originalname, size, buffer }: Uploaded) {
    return { name: originalname, size, sha256: createHash('sha256').update(buffer).digest('hex') };
  }
}
