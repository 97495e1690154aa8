class ReplyJob < ApplicationJob
  def perform(id, text)
    broadcast(id, RubyLLM.chat.ask(text).content)
  rescue RubyLLM::Error => e
    broadcast(id, e.message)
  end

  private

  def broadcast(id, text)
    Turbo::StreamsChannel.broadcast_append_to(id, target: "messages", html: text)
  end
end
