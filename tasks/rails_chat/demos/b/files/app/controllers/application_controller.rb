class ApplicationController < ActionController::Base
  private

  def conversation
    @conversation ||= Conversation.new(session)
  end
end
