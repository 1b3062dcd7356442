import { type MiddlewareConsumer, Module, type NestModule } from '@nestjs/common';
import { CatsController } from './cats.controller.js';
import { CatsService } from './cats.service.js';
import { FilesController } from './files.controller.js';
import { requestId } from './request-id.middleware.js';

@Module({
  controllers: [CatsController, FilesController],
  providers: [CatsService],
})
export class AppModule implements NestModule {
  configure(consumer: MiddlewareConsumer) {
    consumer.apply(requestId).forRoutes('*path');
  }
}
