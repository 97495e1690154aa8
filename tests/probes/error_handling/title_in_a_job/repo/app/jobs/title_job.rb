class TitleJob < ApplicationJob
  def perform(conversation)
    conversation.update!(title: RubyLLM.chat.ask(conversation.first_words).content)
  end
end
