class AnswerJob < ApplicationJob
  def perform(message)
    message.chat.with_temperature(0.2).complete
    Rails.logger.info JSON.generate(done: message.id)
  end
end
