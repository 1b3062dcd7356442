import {
  Body,
  Controller,
  ForbiddenException,
  Get,
  Header,
  HttpCode,
  NotFoundException,
  Param,
  ParseIntPipe,
  Post,
  Query,
  Redirect,
  Sse,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { interval, map, type Observable, take } from 'rxjs';
import { type Cat, CatsService } from './cats.service.js';
import { EnvelopeInterceptor } from './envelope.interceptor.js';
import { TokenGuard } from './token.guard.js';

@Controller('cats')
export class CatsController {
  constructor(private readonly cats: CatsService) {}

  @Get()
  @Header('cache-control', 'max-age=60')
  all(@Query('minAge', new ParseIntPipe({ optional: true })) minAge?: number): Promise<Cat[]> {
    return this.cats.all(minAge);
  }

  @Get('old')
  @Redirect('/cats?minAge=5', 302)
  old(): void {}

  @Get('secret')
  @UseGuards(TokenGuard)
  secret(): string {
    return 'Both cats are called Tom.';
  }

  @Sse('events')
  events(): Observable<{ data: { tick: number } }> {
    return interval(10).pipe(
      take(4),
      map((tick) => ({ data: { tick } })),
    );
  }

  @Get('fail')
  fail(): never {
    throw new Error('unexpected');
  }

  @Get(':index')
  @UseInterceptors(EnvelopeInterceptor)
  async one(@Param('index', ParseIntPipe) index: number): Promise<Cat> {
    const cat = await this.cats.one(index);
    if (cat === undefined) throw new NotFoundException(`there is no cat ${index}`);
    return cat;
  }

  @Post()
  @HttpCode(202)
  create(@Body() cat: Cat): { accepted: Cat } {
    if (cat.age < 0) throw new ForbiddenException('a cat has an age');
    return { accepted: cat };
  }
}
