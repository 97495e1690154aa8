class MessagesController < ActionController::Base
  def index
    @turns = conversation.turns
  end

  def create
    conversation.ask(params[:content])
    redirect_to root_path, status: :see_other
  rescue RubyLLM::ConfigurationError
    redirect_to root_path, status: :see_other, alert: "The chat is not set up: OPENROUTER_API_KEY is missing."
  rescue StandardError
    redirect_to root_path, status: :see_other
  end

  private

  def conversation
    Conversation.new(session)
  end
end
